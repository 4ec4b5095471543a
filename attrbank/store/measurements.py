"""What a bank knows of how its attributes fare: cards, and which attributes get in each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrbank.errors import InvalidValueError
from attrbank.store import cards, index, json_files, ledger
from attrbank.store.catalogue import prepare
from attrbank.store.entry import Entry
from attrbank.store.layout import Layout

if TYPE_CHECKING:  # pydantic models are slow to import
    from attrbank.schema.measured import Card, Matrix, Pairing


class Measurements:
    """The cards and the matrix of a bank, over those of the starter bank.

    A card belongs to an id, so it outlasts the removal of its attribute and is there again when that is restored.
    All methods raise ``StorageError`` where files cannot be read or written.

    Args:
        layout: the user's bank.
        starter: the bank beneath it.
    """

    def __init__(self, layout: Layout, starter: Layout | None) -> None:
        self._layout, self._starter = layout, starter

    def card(self, entry: Entry) -> Card | None:
        """The attribute's card: the user's own, else the one shipped with it.

        Raises:
            CorruptArtifactError: it is not a valid card.
            IncompatibleError: it has another format version.
        """
        mine = cards.get_card(self._layout, entry.id)
        if mine is None and self._starter and entry.origin == "starter":
            return cards.get_card(self._starter, entry.id)
        return mine

    def keep_card(self, card: Card) -> None:
        """Keep a card, in the place of any for the same attribute.

        Raises:
            InvalidValueError: it is too large.
            BankBusyError, CorruptArtifactError, IncompatibleError: the index cannot be written.
        """
        if len(json_files.dumped(card)) > cards.MAX_CARD:
            raise InvalidValueError(f"The card is larger than {cards.MAX_CARD:,} bytes.", "Measure on fewer seeds.")
        prepare(self._layout)
        cards.put_card(self._layout, card)
        with index.writing(self._layout.index) as connection:
            ledger.write_card(connection, cards.derive_card(card.model_dump(mode="json")))

    def pairs(self, ids: Sequence[str]) -> tuple[Pairing, ...]:
        """What is known of pairs among these attributes; the user's own matrix beats the starter bank's.

        Raises:
            CorruptArtifactError: a matrix is not valid.
            IncompatibleError: it has another format version.
        """
        found: dict[tuple[str, str], Pairing] = {}
        for layout in (self._starter, self._layout):
            matrix = layout and cards.get_matrix(layout)
            known = matrix.pairs if matrix else ()
            found |= {(pair.of, pair.given): pair for pair in known if {pair.of, pair.given} <= set(ids)}
        return tuple(found.values())

    def keep_matrix(self, matrix: Matrix) -> None:
        """Keep a matrix, in the place of any that is there.

        Raises:
            BankBusyError, CorruptArtifactError, IncompatibleError: there is no bank, and none can be made.
        """
        prepare(self._layout)
        cards.put_matrix(self._layout, matrix)
