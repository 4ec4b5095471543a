"""The tables of the documents, each between two comments that name it: what was measured, as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from attrbank.errors import InvalidValueError
from attrbank.evaluation.numbers.results import Figures
from lab import work
from lab.figures import (
    agreement,
    bars,
    comparison_table,
    compositions,
    guidance,
    negatives,
    new_truth,
    pictures,
    placebo,
    prompts,
    samplers,
    shortfalls,
    strengths,
    tables,
)

PAGES = (
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    Path("docs/comparison.md"),
    Path("docs/portraits.md"),
    Path("docs/results.md"),
    Path("plugins/attrbank-guidance/README.md"),
    Path("plugins/attrbank-ksamplers/README.md"),
    Path("plugins/attrbank-prompt/README.md"),
)
"""In the clone, those that show tables."""

KSAMPLERS = ("euler", "euler-ancestral", "heun", "dpmpp-2m")

_PLACE = re.compile(r"<!-- table: (?P<name>[a-z-]+) -->.*?<!-- end of table -->", re.DOTALL)


class Table(NamedTuple):
    """One of the tables.

    Attributes:
        files: the figures, in the folder of documents.
        markdown: makes the table of what the files hold, one argument each.
    """

    files: tuple[str, ...]
    markdown: Callable[..., str]


def _evaluated(markdown: Callable[..., str], *files: str) -> Table:
    """A table of evaluations."""
    return Table(files, lambda *found: markdown(*map(Figures.model_validate, found)))


TABLES: Mapping[str, Table] = {
    "in-short": _evaluated(tables.in_short, "figures.json"),
    "at-strength-one": _evaluated(tables.at_strength_one, "figures.json"),
    "at-equal-success": _evaluated(tables.at_equal_success, "figures.json"),
    "distributions": _evaluated(tables.distributions, "figures.json"),
    "placebo": _evaluated(placebo.table, "placebo.json"),
    "shortfalls": Table(("shortfalls.json",), shortfalls.table),
    "early-switches": Table(("shortfalls.json",), shortfalls.switch_table),
    "new-truth": Table(("new-truth.json",), new_truth.table),
    "agreement": Table(("agreement.json",), agreement.table),
    "compositions": Table(("compositions.json",), compositions.table),
    "comparison": Table(("comparison.json",), comparison_table.table),
    "comparison-avatars": Table(("comparison-avatars.json",), comparison_table.table),
    "strengths": Table(("strengths.json",), strengths.table),
    "negatives": Table(("negatives.json",), negatives.table),
    "bars": Table(("bars.json",), bars.table),
    "guidance": _evaluated(guidance.table, "guidance.json"),
    "samplers": Table(("samplers.json",), samplers.table),
    "ksamplers": Table(("samplers.json",), lambda found: samplers.table(found, KSAMPLERS)),
    "prompts": _evaluated(prompts.table, "prompts.json"),
    "round-trips": Table(("pictures.json",), pictures.round_trip_table),
    "edits-of-pictures": Table(("pictures.json",), pictures.edit_table),
    "times": Table(("regenerate.json",), work.table),
}


def places(text: str) -> list[str]:
    """The names of the tables that have a place on a page, in its order."""
    return [place["name"] for place in _PLACE.finditer(text)]


def rewritten(text: str, documents: Path) -> str:
    """A page with every table made anew whose figures are there; the others stay as they are.

    Args:
        text: what the page says now.
        documents: the folder with the figures.

    Raises:
        InvalidValueError: a place is for none of ``TABLES``, or two are for the same.
    """
    found = places(text)
    wrong = [name for name in found if name not in TABLES or found.count(name) > 1]
    if wrong:
        raise InvalidValueError(f"A page has no use for this place: {wrong[0]!r}.", f"There are {', '.join(TABLES)}.")
    return _PLACE.sub(lambda place: _filled(place, documents), text)


def _filled(place: re.Match[str], documents: Path) -> str:
    name = place["name"]
    paths = [documents / file for file in TABLES[name].files]
    if not all(path.is_file() for path in paths):
        return place[0]
    table = TABLES[name].markdown(*(json.loads(path.read_text(encoding="utf-8")) for path in paths))
    return f"<!-- table: {name} -->\n\n{table}\n\n<!-- end of table -->"
