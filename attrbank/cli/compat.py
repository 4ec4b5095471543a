"""``attrbank compat``: which attribute can act on which backbone, from headers and configuration files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from attrbank.attribute.compatibility import Mismatch, mismatch
from attrbank.backbones import short_names as shortnames
from attrbank.cli import terminal
from attrbank.cli.completing import attributes, backbones
from attrbank.cli.options import BankOption, JsonOption
from attrbank.diffusion.protocols import Description
from attrbank.errors import AttrbankError
from attrbank.plugins.manager import load_plugins
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

ANY_MODEL = "latent_diffusion"
"""The registered backbone that is no model but the loader of all."""


def compat(
    references: Annotated[
        list[str] | None, typer.Argument(metavar="[REF]...", autocompletion=attributes, help="Default: all.")
    ] = None,
    *,
    backbones: Annotated[
        list[str] | None,
        typer.Option(
            "--backbone",
            metavar="B",
            autocompletion=backbones,
            help="May be repeated; default: the registered ones and short names.",
        ),
    ] = None,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Say which attribute can act on which backbone."""
    opened = Bank.open(bank)
    entries = opened.resolve_all(references) if references else opened.entries()
    records = [opened.record(entry) for entry in entries]
    models = dict(_described(backbones or known_models(), named=bool(backbones)))
    if as_json:
        pairs = zip(entries, records, strict=True)
        terminal.document([_verdict(entry, record, name, models[name]) for entry, record in pairs for name in models])
    elif not entries:
        terminal.say("The bank is empty. Begin with: attrbank learn")
    else:
        rows = [
            [entry.name, *_row(record, list(models.values()))] for entry, record in zip(entries, records, strict=True)
        ]
        terminal.table(("ATTRIBUTE", "LEARNED ON", *models), rows)


def known_models() -> list[str]:
    """Every backbone that has a name and can be described without loading it."""
    registered = [
        spec.name
        for spec, _ in load_plugins().registrations("backbone")
        if spec.describe is not None and spec.name != ANY_MODEL
    ]
    return [*registered, *shortnames.read_table()]


def _described(names: Sequence[str], *, named: bool) -> Iterator[tuple[str, Description | None]]:
    """Each backbone's description; None, and why on stderr, for one that cannot be had and was not asked for."""
    for name in names:
        try:
            yield name, load_plugins().describe(name)
        except AttrbankError as error:
            if named:
                raise
            terminal.warn(f"{name}: {error.message}")
            yield name, None


def _row(record: AttributeRecord, models: Sequence[Description | None]) -> list[str]:
    return [record.backbone.name, *(_cell(record, model) for model in models)]


def misfit(record: AttributeRecord, model: Description) -> Mismatch | None:
    """With the core that the attribute prefers; of a method that is not installed, the network alone is compared."""
    try:
        plugins = load_plugins()
        parts, network = plugins.parts_of_method(record), plugins.needs_its_network(record)
    except AttrbankError:
        parts, network = (), True
    return mismatch(record.backbone, model, parts, network=network)


def _cell(record: AttributeRecord, model: Description | None) -> str:
    if model is None:
        return "?"
    found = misfit(record, model)
    if found is None:
        return "yes"
    return "--force: other weights" if found.forcible else f"no: other {found.what}"


def _verdict(entry: Entry, record: AttributeRecord, name: str, model: Description | None) -> dict[str, Any]:
    """One cell with its reason; ``fits`` is null for a backbone that cannot be described."""
    found = None if model is None else misfit(record, model)
    return {
        "name": entry.name,
        "id": entry.id,
        "learned_on": record.backbone.name,
        "backbone": name,
        "fits": None if model is None else found is None,
        "forcible": found is not None and found.forcible,
        "differs_in": found and found.what,
        "learned": found and found.theirs,
        "here": found and found.ours,
    }
