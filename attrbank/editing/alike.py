"""Which attributes of a bank change pictures alike, found quickly among many.

Sketches say where to look (``attribute/sketches.py``); every cosine that is told comes from two artifacts, read and
checked against their hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappush, heappushpop
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attrbank.attribute import sketches
from attrbank.editing.directions import Direction, cosine, direction_of, makers
from attrbank.errors import AttrbankError, CorruptArtifactError, IncompatibleError, InvalidValueError
from attrbank.names import parse_seeds
from attrbank.store.bank import Bank
from attrbank.store.entry import DOCUMENT, Entry, entry_from_json

MOST_OPENED = 1500
"""So many artifacts are opened at most, the nearest by their sketches first: where so many are hardly alike, it matters
little which of them are named."""
_BLOCK = 256
"""So many attributes at once are compared with all."""

OnProgress = Callable[[str, int, int], None]
OnWarning = Callable[[str], None]


class Alike(NamedTuple):
    """An attribute beside another, and the cosine of what they change."""

    entry: Entry
    cosine: float


class Nearest(NamedTuple):
    """What is most like an attribute, or most unlike it.

    Attributes:
        found: the largest cosines in absolute terms, the nearest first and opposites last.
        others: no other attribute surely has a cosine beyond this, in absolute terms.
        compared: how many there are to compare with.
    """

    found: tuple[Alike, ...]
    others: float
    compared: int


class Group(NamedTuple):
    """Attributes that are nearly the same: the one to keep, and those that are so near to it."""

    keep: Entry
    others: tuple[Alike, ...]


def similar(bank: Bank, entry: Entry, limit: int, *, on_progress: OnProgress, on_warning: OnWarning) -> Nearest:
    """The attributes whose direction is most like that of one, or most opposite to it.

    Args:
        bank: where to look, among what bare names mean.
        entry: the one.
        limit: how many at most.
        on_progress: told of artifacts that are read for the first time.
        on_warning: told of artifacts that cannot be read.

    Raises:
        IncompatibleError: the attribute has no direction.
        AttrbankError: as ``direction_of`` and ``Bank.rows`` do.
    """
    mine = direction_of(bank.artifact(entry))
    ids, documents = _listed(bank)
    rows = _rows(bank, ids, documents, on_progress, on_warning)
    here = np.flatnonzero((rows["space"] == mine.space) & (rows["id"] != entry.id.encode()))
    guesses = np.abs(rows["sketch"][here] @ sketches.sketched(mine.values))
    order = np.argsort(-guesses, kind="stable")
    within = (guesses + sketches.reach(guesses))[order]  # decreases, as guesses do
    found, best, opened = list[Alike](), list[float](), 0
    for opened, n in enumerate(here[order]):
        if opened >= max(MOST_OPENED, 2 * limit) or (len(best) == limit and within[opened] < best[0]):
            break
        other = entry_from_json(documents[n])
        direction = _read(bank, other, on_warning)
        if direction and direction.space == mine.space:
            found.append(Alike(other, cosine(mine, direction)))
            (heappush if len(best) < limit else heappushpop)(best, abs(found[-1].cosine))
    else:
        opened = len(here)
    found.sort(key=lambda alike: (-abs(alike.cosine), alike.entry.name))
    rest = max([float(np.max(within[opened:], initial=0.0)), *(abs(alike.cosine) for alike in found[limit:])])
    nearest = sorted(found[:limit], key=lambda alike: (-alike.cosine, alike.entry.name))
    return Nearest(tuple(nearest), min(1.0, rest), len(here))


def duplicates(bank: Bank, above: float, *, on_progress: OnProgress, on_warning: OnWarning) -> Iterator[Group]:
    """Groups of attributes of which one would do: each of the others has a cosine of at least ``above`` with that one.

    They are gone through in the order of ``merit``: one that no better one is so near to is kept. So what is near to
    one that goes, and not to the one that stays, stays as well.

    Args:
        bank: where to look, among what bare names mean.
        above: in (0, 1].
        on_progress: as ``similar`` has it.
        on_warning: likewise.

    Raises:
        InvalidValueError: ``above`` lies outside.
        AttrbankError: as ``Bank.rows`` does.
    """
    if not 0 < above <= 1:
        raise InvalidValueError(f"{above:g} is no cosine of attributes that are alike.", "Try --above 0.95.")
    ids, documents = _listed(bank)
    rows = _rows(bank, ids, documents, on_progress, on_warning)
    entries = list(map(entry_from_json, documents))
    order = [n for n in sorted(range(len(entries)), key=lambda n: merit(entries[n])) if rows["space"][n]]
    ranked, rows = [entries[n] for n in order], rows[order]
    free = np.ones(len(rows), bool)
    for n, near in _guessed(rows, above, free):
        free[n] = False
        others = tuple(_verified(bank, ranked[n], [ranked[i] for i in near], above, on_warning))
        gone = {alike.entry.id for alike in others}
        free[[i for i in near if ranked[i].id in gone]] = False
        if others:
            yield Group(ranked[n], others)


MERIT = "measured before not measured, then the higher score, more seeds, the newer, and by name"


def merit(entry: Entry) -> tuple[Any, ...]:
    """A key that puts the one to keep first, as ``MERIT`` has it."""
    score = entry.score
    seeds = len(parse_seeds(entry.seeds)) if entry.seeds else 0
    newest_first = tuple(-ord(character) for character in entry.created or "")
    return (score is None, -(score or 0.0), -seeds, not entry.created, newest_first, entry.name, entry.id)


def _guessed(rows: NDArray[Any], above: float, free: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The places of attributes that are still free, in turn, each with those of free ones that may be so near."""
    least = above - float(sketches.reach(np.array(above)))  # guesses of a larger cosine spread less
    sketch = np.ascontiguousarray(rows["sketch"])
    for first in range(0, len(rows), _BLOCK):
        guesses = sketch[first : first + _BLOCK] @ sketch.T
        for n, row in enumerate(guesses, first):
            if free[n]:
                near = np.flatnonzero((row >= least) & free & (rows["space"] == rows["space"][n]))
                if len(near) > 1:
                    yield n, near[near != n]


def _verified(bank: Bank, entry: Entry, near: Sequence[Entry], above: float, on_warning: OnWarning) -> Iterator[Alike]:
    """Those that are, by their artifacts."""
    mine = _read(bank, entry, on_warning)
    for other in near if mine else ():
        direction = _read(bank, other, on_warning)
        if mine and direction and direction.space == mine.space and (found := cosine(mine, direction)) >= above:
            yield Alike(other, found)


def _listed(bank: Bank) -> tuple[list[bytes], list[str]]:
    """Ids, and what the bank knows of each attribute as text, of all that bare names mean."""
    found = bank.rows(["id", DOCUMENT])
    return [identity.encode("ascii", "replace") for identity, _ in found], [document for _, document in found]


def _rows(
    bank: Bank, ids: Sequence[bytes], documents: Sequence[str], on_progress: OnProgress, on_warning: OnWarning
) -> NDArray[Any]:
    """A row for each attribute, kept from before or made and kept now; space 0 is one that cannot be compared."""
    path, made_by = sketches.path_for(bank.path), makers()
    kept = sketches.load(path, made_by)
    place = {identity: n for n, identity in enumerate(kept["id"].tolist())}
    rows = np.zeros(len(ids), sketches.ROW)
    rows["id"] = ids
    known = [n for n, identity in enumerate(ids) if identity in place]
    rows[known] = kept[[place[ids[n]] for n in known]]
    missing, unread = [n for n, identity in enumerate(ids) if identity not in place], set[int]()
    for done, n in enumerate(missing):
        on_progress("reading attributes", done, len(missing))
        if not _fill(rows[n], bank, entry_from_json(documents[n]), on_warning):
            unread.add(n)
    if missing and not sketches.keep(path, made_by, rows[[n for n in range(len(ids)) if n not in unread]]):
        on_warning(f"what was read could not be kept for the next time: {path} cannot be written")
    return rows


def _fill(row: Any, bank: Bank, entry: Entry, on_warning: OnWarning) -> bool:
    """Fills in one row, and tells whether it is to be kept: what is damaged, or of an absent method, may yet change."""
    try:
        direction = direction_of(bank.artifact(entry))
    except IncompatibleError:
        return True
    except AttrbankError as error:
        on_warning(f"{entry.reference} is left out: {error.message}")
        return False
    row["space"], row["sketch"] = direction.space, sketches.sketched(direction.values)
    return True


def _read(bank: Bank, entry: Entry, on_warning: OnWarning) -> Direction | None:
    try:
        return direction_of(bank.artifact(entry))
    except (CorruptArtifactError, IncompatibleError) as error:
        on_warning(f"{entry.reference} is left out: {error.message}")
        return None
