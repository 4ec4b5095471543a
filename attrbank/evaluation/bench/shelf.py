"""What competitors have learned for an evaluation, so that one that was stopped learns nothing twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from attrbank import files
from attrbank.attribute.artifact import LearnedAttribute, encode, opened
from attrbank.errors import NotFoundError, StorageError
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers.results import Learning
from attrbank.store.bank import Bank
from attrbank.text import printable

BANK, LEARNINGS = "bank", "learned.json"


class Kept(NamedTuple):
    """Something on the shelf."""

    attribute: LearnedAttribute
    learning: Learning


class Placed(NamedTuple):
    """Where the folder has it."""

    artifact: str
    learning: Learning


_PLACES = TypeAdapter(dict[str, Placed])


class Shelf:
    """A place for what is learned: memory and, if there is a folder, a bank in it.

    Args:
        folder: of the evaluation; None keeps everything in memory.

    Raises:
        StorageError: the folder holds something else.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._kept = folder, dict[str, Kept]()
        self._places = {} if folder is None else _read(folder / LEARNINGS)

    def get(self, subject: Subject, competitor: str) -> Kept | None:
        """What this competitor has learned for this attribute, if it is there."""
        key = _key(subject, competitor)
        if key not in self._kept and self._folder is not None and key in self._places:
            place = self._places[key]
            try:
                bank = Bank(self._folder / BANK)
                self._kept[key] = Kept(opened(bank.artifact(bank.resolve(place.artifact))), place.learning)
            except NotFoundError:  # somebody has tidied up: then it is learned again
                del self._places[key]
        return self._kept.get(key)

    def keep(self, subject: Subject, competitor: str, attribute: LearnedAttribute, learning: Learning) -> None:
        """Put it there; when this returns, it is on the disk.

        Raises:
            StorageError, BankBusyError: the folder cannot be written.
        """
        key = _key(subject, competitor)
        self._kept[key] = Kept(attribute, learning)
        if self._folder is None:
            return
        name = f"{subject.label}-{re.sub('[^a-z0-9]+', '-', competitor.lower()).strip('-')}"
        entry = Bank(self._folder / BANK).add(encode(attribute), name=name, replace=True)
        self._places[key] = Placed(entry.id, learning)
        files.replace(self._folder / LEARNINGS, _PLACES.dump_json(self._places, indent=1))


def _key(subject: Subject, competitor: str) -> str:
    return f"{subject.id} {competitor}"


def _read(path: Path) -> dict[str, Placed]:
    try:
        return _PLACES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        hint = "Remove it, or choose another --out."
        raise StorageError(f"{printable(str(path))} cannot be read.", hint) from error
