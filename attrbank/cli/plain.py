"""Typer without its colours."""

from __future__ import annotations

from typing import Any

import typer


def plain_app(**settings: Any) -> typer.Typer:
    """A typer application that reads no text as markup: help and errors quote what users and plugins wrote."""
    usual: dict[str, Any] = {"add_completion": False, "context_settings": {"help_option_names": ["--help", "-h"]}}
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **(usual | settings))
