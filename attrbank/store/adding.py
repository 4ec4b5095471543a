"""Artifacts that come into a bank: all that come together in one transaction, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from attrbank.store import _fs, blobs, index, ledger, notes
from attrbank.store.catalogue import prepare
from attrbank.store.entry import derive
from attrbank.store.layout import Layout
from attrbank.store.upkeep_notes import notes_of

if TYPE_CHECKING:  # pydantic models are slow to import
    from attrbank.schema.annotated import Annotation


class Incoming(NamedTuple):
    """An artifact to be added.

    Attributes:
        data: its bytes.
        name: what to call it, whatever it was called here or where it comes from.
        annotation: what is said of it where it comes from.
    """

    data: bytes
    name: str | None = None
    annotation: Annotation | None = None


class _Admitted(NamedTuple):
    """What the index is to say of an artifact, and what is said of it beside that."""

    identity: str
    facts: dict[str, Any]
    said: Annotation | None


def add(layout: Layout, artifacts: Sequence[Incoming], *, replace: bool) -> list[str]:
    """Stores artifacts, and gives their ids; errors as ``Bank.add``."""
    facts = [_facts(incoming.data) for incoming in artifacts]
    prepare(layout)
    with index.writing(layout.index) as connection:
        admitted = [_named(layout, *each) for each in zip(artifacts, facts, strict=True)]
        # Refused artifacts leave nothing behind, and those that are admitted are there before their rows.
        for each in admitted:
            if not replace:
                ledger.require_free(connection, each.facts["name"], each.identity)
        for incoming, each in zip(artifacts, admitted, strict=True):
            blobs.put(layout, each.identity, incoming.data)
            ledger.admit(connection, each.facts, replace=replace)
            if each.said and (incoming.annotation or incoming.name):
                ledger.annotate(connection, layout, each.said)
            _fs.remove(layout.trashed(each.identity))
    return [each.identity for each in admitted]


def _facts(data: bytes) -> dict[str, Any]:
    record = blobs.Artifact.of(data).record.model_dump(mode="json")
    return derive(blobs.identify(data), record, len(data))


def _named(layout: Layout, incoming: Incoming, facts: dict[str, Any]) -> _Admitted:
    identity: str = facts["id"]
    said = notes.merged(notes_of(layout, identity), incoming.annotation)
    said = said if incoming.name is None else notes.named(said, identity, incoming.name)
    return _Admitted(identity, notes.called(facts, said.name if said else None), said)
