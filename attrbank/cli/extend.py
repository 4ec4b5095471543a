"""What there is to choose from: ``samplers``, ``methods``, ``metrics``, ``judges``; the bank does not matter."""

from __future__ import annotations

from typing import Any

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.plugins.discovery import Kind
from attrbank.plugins.manager import load_plugins


def samplers(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the samplers."""
    terminal.registered(registered("sampler"), as_json)


def methods(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the methods."""
    terminal.registered(registered("method"), as_json)


def metrics(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the metrics."""
    terminal.registered(registered("metric"), as_json)


def judges(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the judges."""
    terminal.registered(registered("judge"), as_json)


def registered(kind: Kind) -> list[dict[str, Any]]:
    """What the plugins offer of one kind."""
    return [
        {
            "name": spec.name,
            "summary": spec.summary,
            "capabilities": [*spec.capabilities, *(["oracle"] if spec.judge else [])],
            "distribution": plugin.distribution,
        }
        for spec, plugin in load_plugins().registrations(kind)
    ]
