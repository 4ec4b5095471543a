"""The README's tables, each between two comments that name it, as what was measured has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.evaluation import bars, compositions, negatives, pictures, samplers, tables
from attrbank.evaluation.results import Figures

_PLACE = re.compile(r"<!-- table: (?P<name>[a-z-]+) -->.*?<!-- end of table -->", re.DOTALL)


class Table(NamedTuple):
    """One of the tables.

    Attributes:
        file: the figures, in the folder of documents.
        markdown: makes the table of what the file holds.
    """

    file: str
    markdown: Callable[[Any], str]


TABLES: Mapping[str, Table] = {
    "at-strength-one": Table("figures.json", lambda found: tables.at_strength_one(Figures.model_validate(found))),
    "at-equal-success": Table("figures.json", lambda found: tables.at_equal_success(Figures.model_validate(found))),
    "compositions": Table("compositions.json", compositions.table),
    "negatives": Table("negatives.json", negatives.table),
    "bars": Table("bars.json", bars.table),
    "samplers": Table("samplers.json", samplers.table),
    "round-trips": Table("pictures.json", pictures.round_trip_table),
    "edits-of-pictures": Table("pictures.json", pictures.edit_table),
}


def places(text: str) -> list[str]:
    """The names of the tables that have a place in the README, in its order."""
    return [place["name"] for place in _PLACE.finditer(text)]


def rewritten(text: str, documents: Path) -> str:
    """The README with every table made anew.

    Args:
        text: what it says now.
        documents: the folder with the figures.

    Raises:
        InvalidValueError: a place is for none of ``TABLES``, or two are for the same.
        NotFoundError: a file of figures is not there.
    """
    found = places(text)
    wrong = [name for name in found if name not in TABLES or found.count(name) > 1]
    if wrong:
        raise InvalidValueError(
            f"The README has no use for a place for {wrong[0]!r}.", f"There are {', '.join(TABLES)}."
        )
    return _PLACE.sub(lambda place: _filled(place["name"], documents), text)


def _filled(name: str, documents: Path) -> str:
    path = documents / TABLES[name].file
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is not there.", "Measure it: python -m attrbank.evaluation.regenerate") from error
    return f"<!-- table: {name} -->\n\n{TABLES[name].markdown(found)}\n\n<!-- end of table -->"
