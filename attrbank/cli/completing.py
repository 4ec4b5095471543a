"""What a shell offers when Tab is pressed: names of attributes, samplers and models. Whatever is wrong offers nothing.

No text of an artifact's, a plugin's or a model's goes along: some shells evaluate what they are offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from attrbank.cli.entry import attributes_beginning, offered
from attrbank.files import settings

if TYPE_CHECKING:
    from attrbank.plugins.discovery import Kind


def attributes(context: typer.Context, incomplete: str) -> list[str]:
    """Attributes whose names begin so."""
    return attributes_beginning(incomplete, context.params.get("bank"))


def samplers(incomplete: str) -> list[str]:
    """Samplers, those of plugins included."""
    return offered(lambda: _registered("sampler"), incomplete)


def methods(incomplete: str) -> list[str]:
    """Methods, those of plugins included."""
    return offered(lambda: _registered("method"), incomplete)


def executors(incomplete: str) -> list[str]:
    """Executors, those of plugins included."""
    return offered(lambda: _registered("executor"), incomplete)


def backbones(incomplete: str) -> list[str]:
    """Models that have a name here."""
    from attrbank.backbones.short_names import read_table

    return offered(lambda: [*_registered("backbone"), *read_table()], incomplete)


def setting_names(incomplete: str) -> list[str]:
    """Settings there are."""
    return offered(lambda: settings.NAMES, incomplete)


def _registered(kind: Kind) -> list[str]:
    from attrbank.plugins.manager import load_plugins

    return [spec.name for spec, _ in load_plugins().registrations(kind)]
