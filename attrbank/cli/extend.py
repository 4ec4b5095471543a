"""What there is to choose from: ``samplers``, ``backbones``, ``methods``, ``metrics``; the bank does not matter."""

from __future__ import annotations

from attrbank.cli import render
from attrbank.cli.options import BankOption, JsonOption
from attrbank.discovery import Kind
from attrbank.plugin_manager import load_plugins


def samplers(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the samplers."""
    _list_registered("sampler", as_json)


def backbones(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the backbones."""
    _list_registered("backbone", as_json)


def methods(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the methods."""
    _list_registered("method", as_json)


def metrics(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """List the metrics."""
    _list_registered("metric", as_json)


def _list_registered(kind: Kind, as_json: bool) -> None:
    registered = [
        {
            "name": spec.name,
            "summary": spec.summary,
            "capabilities": list(spec.capabilities),
            "distribution": plugin.distribution,
        }
        for spec, plugin in load_plugins().registrations(kind)
    ]
    if as_json:
        render.document(registered)
        return
    columns = ("NAME", "SUMMARY", "CAPABILITIES", "FROM")
    render.table(
        columns, [(r["name"], r["summary"], " ".join(r["capabilities"]), r["distribution"]) for r in registered]
    )
