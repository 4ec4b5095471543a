"""What a shell offers when Tab is pressed: names of attributes, samplers and models. Whatever is wrong offers nothing.

No text of an artifact's, a plugin's or a model's goes along: some shells evaluate what they are offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING

import typer

from attrbank.errors import AttrbankError
from attrbank.files import settings
from attrbank.store.bank import Bank

if TYPE_CHECKING:
    from attrbank.plugins.discovery import Kind

_BEGINNING = re.compile(r"[a-z0-9_-]*")


def attributes(context: typer.Context, incomplete: str) -> list[str]:
    """Attributes whose names begin so."""
    return _offered(lambda: Bank.open(context.params.get("bank")).names(incomplete), incomplete)


def samplers(incomplete: str) -> list[str]:
    """Samplers, those of plugins included."""
    return _offered(lambda: _registered("sampler"), incomplete)


def methods(incomplete: str) -> list[str]:
    """Methods, those of plugins included."""
    return _offered(lambda: _registered("method"), incomplete)


def executors(incomplete: str) -> list[str]:
    """Executors, those of plugins included."""
    return _offered(lambda: _registered("executor"), incomplete)


def backbones(incomplete: str) -> list[str]:
    """Models that have a name here."""
    from attrbank.backbones.short_names import read_table

    return _offered(lambda: [*_registered("backbone"), *read_table()], incomplete)


def setting_names(incomplete: str) -> list[str]:
    """Settings there are."""
    return _offered(lambda: settings.NAMES, incomplete)


def _registered(kind: Kind) -> list[str]:
    from attrbank.plugins.manager import load_plugins

    return [spec.name for spec, _ in load_plugins().registrations(kind)]


def _offered(names: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    if not _BEGINNING.fullmatch(incomplete):
        return []
    try:
        with redirect_stderr(StringIO()):  # a warning in the middle of a line would spoil it
            return sorted({name for name in names() if name.startswith(incomplete)})
    except AttrbankError:
        return []
