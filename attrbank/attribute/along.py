"""Attributes that go along with work to somebody who does not see the bank: as bytes, and there a bank of their own."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence

from pydantic import Base64Bytes

from attrbank.attribute.artifact import decode
from attrbank.errors import CorruptArtifactError
from attrbank.schema.fields import Name, Record, Sha256
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.header import check_seal


class Carried(Record):
    """One attribute.

    Attributes:
        id: by which it is referred to there, too.
        name: what it is called.
        data: the artifact.
    """

    id: Sha256
    name: Name
    data: Base64Bytes


def carried(bank: Bank, entries: Sequence[Entry]) -> tuple[Carried, ...]:
    """What of a bank goes along; each once.

    Raises:
        CorruptArtifactError: an artifact is missing or damaged.
    """
    once = {entry.id: entry for entry in entries}
    return tuple(
        Carried.model_construct(id=entry.id, name=entry.name, data=bank.read(entry)) for entry in once.values()
    )


def unpacked(along: Sequence[Carried], owner: object) -> Bank:
    """A bank of nothing but these, which is there as long as its owner.

    Raises:
        CorruptArtifactError: one is no valid artifact, or not the one that it is said to be.
        StorageError: the bank cannot be written.
    """
    folder = tempfile.mkdtemp(prefix="attrbank-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    bank = Bank(folder)
    for one in along:
        check_seal(one.data)
        decode(one.data)
        if bank.add(one.data, name=one.name, replace=True).id != one.id:
            raise CorruptArtifactError(f"{one.name} is not what it is said to be.")
    return bank
