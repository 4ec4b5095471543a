"""What is done of a long run, and how long it took, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank import files
from lab import markdown


def digest(folders: Iterable[Path], *words: str) -> str:
    """A name for the contents of folders, and words: another one if a byte of them is another."""
    found = hashlib.sha256("\0".join(words).encode())
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        found.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return found.hexdigest()


@dataclass(frozen=True)
class Work:
    """A scratch folder that remembers steps.

    Attributes:
        folder: holds what steps make, and a note of each.
        of: what they look at, as ``digest`` says; what was done of anything else is not done.
    """

    folder: Path
    of: str

    def seconds(self, step: str, *, done: bool) -> float:
        """How long a step took until now, all tries together; of one that is to be ``done`` and is not, 0."""
        path = self._note(step)
        note = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return float(note["seconds"]) if note.get("of") == self.of and note["done"] >= done else 0.0

    def add(self, step: str, seconds: float, *, done: bool) -> None:
        """Take down another try of a step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        whole = self.seconds(step, done=False) + seconds
        files.replace(self._note(step), json.dumps({"of": self.of, "seconds": whole, "done": done}).encode())

    def _note(self, step: str) -> Path:
        return self.folder / f"{step}.json"


def table(times: Mapping[str, Any]) -> str:
    """Markdown: the minutes of every step, and of all by the clock."""
    rows = [[f"`{name}`", _minutes(seconds)] for name, seconds in times["steps"].items()]
    whole = [["all, by the clock", _minutes(times["clock"])]] if "clock" in times else []
    return markdown.table(["step", "minutes"], [*rows, *whole])


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"
