"""One attribute's turn in a plan: which, how strongly, and where on the grid it acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attrbank.editing.cost import Stop
from attrbank.methods.protocol import Method
from attrbank.names import When
from attrbank.schema.choices import Core
from attrbank.schema.stored import AttributeRecord
from attrbank.store.blobs import Artifact
from attrbank.store.entry import Entry


@dataclass(frozen=True)
class Turn:
    """One attribute's turn.

    Attributes:
        entry: which attribute.
        artifact: its bytes, read once.
        record: what the artifact says of itself, moved to the time that was asked for.
        method: how it edits.
        strength: 1 is the full effect.
        core: the core it will use; None if its method has none.
        raw: take the strength as it is, whatever the attribute's calibration says.
        indices: the grid indices at which it acts.
        t: the timestep at the first.
        when: the time that was asked for; None for its own.
        words: at which of the prompt's it acts; none for most methods.
        on: the one that the user named.
    """

    entry: Entry
    artifact: Artifact
    record: AttributeRecord
    method: Method
    strength: float
    core: Core | None
    raw: bool
    indices: tuple[int, ...]
    t: int
    when: When | None
    words: tuple[str, ...] = ()
    on: str | None = None

    @property
    def index(self) -> int:
        """The grid index at which it acts first."""
        return self.indices[0]

    @property
    def stop(self) -> Stop:
        """Where the edit acts, and what it needs."""
        needs = self.method.needs(self.record, self.core, self.strength)
        return Stop(self.index, needs, self.indices[1:], changes=self.strength != 0)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json`` and for recipes."""
        return {
            "name": self.entry.name,
            "id": self.entry.id,
            "strength": self.strength,
            "t": self.t,
            "core": self.core,
            "raw": self.raw,
            "at": None if self.when is None else str(self.when),
            "on": self.on,
        }
