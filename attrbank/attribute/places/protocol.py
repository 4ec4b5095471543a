"""What every place does where a bundle is kept, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from attrbank.attribute import bundle
from attrbank.errors import CorruptArtifactError
from attrbank.text import printable


class Change(NamedTuple):
    """What becomes of a bundle.

    Attributes:
        files: new or changed ones, the page for people included.
        gone: names of files that are to go.
        sums: of all that is in the bundle afterwards.
    """

    files: Mapping[str, bytes]
    gone: frozenset[str]
    sums: bundle.Sums


class Place(Protocol):
    """Where a bundle can be had from."""

    @property
    def shown(self) -> str:
        """The place in the words of the user, with the revision if it has any: always the same bytes, then."""

    def read(self, name: str, limit: int) -> bytes | None:
        """A file of at most ``limit`` bytes; None if there is none.

        Raises:
            CorruptArtifactError: it is larger.
            NotFoundError: the place cannot be reached.
            StorageError: it cannot be read.
        """


class WritablePlace(Place, Protocol):
    """Where a bundle can be put."""

    def names(self) -> frozenset[str]:
        """Of all files there, those that a killed push has not yet listed or already struck out included.

        Raises:
            StorageError: they cannot be read.
        """

    def write(self, change: Change) -> None:
        """Change a bundle, durably. Whoever reads meanwhile, or after a kill, finds no file that its sum belies.

        Raises:
            AttrbankError: it cannot be written, or somebody else has just written to it.
        """


def require(place: Place, name: str, limit: int) -> bytes:
    """A file that must be there.

    Raises:
        CorruptArtifactError: it is not, or too large.
        AttrbankError: the place cannot be reached or read.
    """
    data = place.read(name, limit)
    if data is None:
        raise CorruptArtifactError(f"{printable(place.shown)} is damaged: {name} is missing.", "Get it again.")
    return data
