"""What there is to choose from, as ``samplers`` and ``methods``; the bank does not matter."""

from __future__ import annotations

from typing import Any

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.plugins.discovery import Kind, Registration
from attrbank.plugins.guard import reason_of
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


def executors(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the executors."""
    terminal.registered(registered("executor"), as_json)


def registered(kind: Kind) -> list[dict[str, Any]]:
    """What the plugins offer of one kind."""
    return [
        {
            "name": registration.spec.name,
            "summary": registration.spec.summary,
            "capabilities": [*registration.spec.capabilities, *(["oracle"] if registration.spec.judge else [])],
            "parameters": _parameters(registration),
            "distribution": registration.plugin.distribution,
        }
        for registration in load_plugins().registrations(kind)
    ]


def _parameters(registration: Registration) -> dict[str, Any]:
    """What may be set behind a colon, with what it is otherwise; nothing of a plugin that cannot tell."""
    try:
        model = load_plugins().parameters(registration)
        return model().model_dump(mode="json") if model else {}
    except Exception as error:  # a plugin's own
        terminal.warn(f"{registration.spec.name} does not tell its parameters: {reason_of(error)}")
        return {}
