"""What was measured, as files of a bank: ``cards/<id>.json`` and ``matrix.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.store import _fs, json_files
from attrbank.store.entry import MEASURED
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of

if TYPE_CHECKING:  # pydantic models are slow to import, and ``list`` does without them
    from attrbank.schema.measured import Card, Matrix

MAX_CARD, MAX_MATRIX = 2**16, 2**23
FACTS = ("id", *MEASURED)
"""What the index keeps of a card."""


def get_card(layout: Layout, identity: str) -> Card | None:
    """The card of an attribute, if there is one.

    Raises:
        CorruptArtifactError: it is no valid card, or that of another attribute.
        IncompatibleError: it has another format version.
        StorageError: it cannot be read.
    """
    return get_foreign_card(layout.card(identity), identity)


def get_foreign_card(path: Path, identity: str) -> Card | None:
    """The card of an attribute in a file from anywhere, if there is such a file.

    Raises:
        CorruptArtifactError, IncompatibleError, StorageError: as for the bank's own.
    """
    from attrbank.schema.measured import Card

    return json_files.read_about(Card, path, MAX_CARD, identity)


def get_matrix(layout: Layout) -> Matrix | None:
    """The bank's matrix, if there is one.

    Raises:
        CorruptArtifactError, IncompatibleError, StorageError: as for cards.
    """
    from attrbank.schema.measured import Matrix

    return json_files.read_model(Matrix, layout.matrix, MAX_MATRIX)


def put_card(layout: Layout, card: Card) -> None:
    """Write a card durably, in the place of any that is there.

    Raises:
        StorageError: it cannot be written.
    """
    _fs.make_folder(layout.cards)
    _fs.publish(layout.card(card.id), json_files.dumped(card))


def put_matrix(layout: Layout, matrix: Matrix) -> None:
    """Write the matrix durably, in the place of any that is there.

    Raises:
        StorageError: it cannot be written.
    """
    _fs.publish(layout.matrix, json_files.dumped(matrix))


def derive_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the index keeps of a card, given as plain JSON: numbers and None.

    Raises:
        CorruptArtifactError: it does not look like a card.
    """
    try:
        success, usable = (card["full"] or {}).get("success"), card["usable"]
        figures = (success and success["value"], *(usable or (None, None)))
        score, low, high = (None if figure is None else _finite(figure) for figure in figures)
        return dict(zip(FACTS, (str(card["id"]), score, low, high), strict=True))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise CorruptArtifactError(f"Not a valid card: {error}.") from error


def shipped_facts(starter: Layout) -> list[tuple[object, ...]]:
    """The facts of a starter bank's cards; damaged ones are for ``verify``."""
    rows = []
    for path in _fs.list_folder(starter.cards):
        try:
            facts = derive_card(json.loads(json_files.read_bytes(path, MAX_CARD) or b""))
        except (AttrbankError, ValueError, RecursionError):
            continue
        if facts["id"] == identity_of(path, CARD_SUFFIX):
            rows.append(tuple(facts.values()))
    return rows


def _finite(figure: object) -> float:
    number = float(figure)  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise ValueError("a figure is not finite")
    return number
