"""What ``verify`` says of one item of a bank."""

from __future__ import annotations

from typing import Literal, NamedTuple

from attrbank.errors import AttrbankError, IncompatibleError, StorageError
from attrbank.store.entry import Origin

State = Literal[
    "ok", "missing", "modified", "corrupt", "unreadable", "incompatible", "misindexed", "orphan", "leftover", "unusable"
]
"""How an item stands.

ok: it is what its id and the index say. missing: the index names it, but there is no file. modified: a valid artifact,
but not the one its id says. corrupt: not a valid artifact, card or matrix. unreadable: the system refuses to read it.
incompatible: another format version wrote it. misindexed: the index tells something else than the file. orphan: an
artifact that the index does not name, or a card of none. leftover: what an interrupted write left behind. unusable:
its method cannot act with it (``verify --deep``).
"""

_HARMLESS = frozenset({"ok", "orphan", "leftover"})

_STATE_OF: dict[type[AttrbankError], State] = {StorageError: "unreadable", IncompatibleError: "incompatible"}


class Finding(NamedTuple):
    """One item of ``verify``; ``name`` is None if it is unknown, ``item`` is an id or a file name."""

    state: State
    item: str
    name: str | None
    origin: Origin
    detail: str = ""

    @property
    def harmless(self) -> bool:
        """Whether all attributes are whole all the same: what the index says of a card is only a copy."""
        return self.state in _HARMLESS or (self.state == "misindexed" and "/" in self.item)


def state_of(error: AttrbankError) -> State:
    """The state of an item that could not be read."""
    return _STATE_OF.get(type(error), "corrupt")
