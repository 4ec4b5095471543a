"""The people on whom the starter attributes are judged, and who looks at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.editing.composition import Act
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import RENDERED
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import Pictures
from attrbank.names import parse_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from lab.starter_prompts import NEUTRAL, PAIRS
from lab.stored import stored


class Eyes(Protocol):
    """An oracle, as far as its looking goes."""

    def look(self, images: Tensor) -> Pictures:
        """What is seen in images (B, 3, h, w) in [0, 1]."""
        ...


@dataclass(frozen=True)
class People:
    """Pictures without an edit.

    Attributes:
        bench: makes them, and edits them.
        eyes: look at them.
        before: what the eyes see in them.
    """

    bench: Bench
    eyes: Eyes
    before: Pictures

    @classmethod
    def seen(cls, bench: Bench, eyes: Eyes) -> People:
        """All people of a bench."""
        return cls(bench, eyes, eyes.look(bench.images(bench.unedited)))

    def __len__(self) -> int:
        return len(self.before)

    def only(self, rows: Tensor) -> People:
        """Some of them, given as (B,) bool."""
        return People(self.bench.only(rows), self.eyes, self.before[rows])

    def after(self, acts: Sequence[Act]) -> Pictures:
        """What is seen when these edits have been made."""
        return self.look(self.bench.edited(acts))

    def look(self, latents: Tensor) -> Pictures:
        """What is seen in clean latents (B, C, H, W)."""
        return self.eyes.look(self.bench.images(latents))


def held_out(seeds: str) -> People:
    """The people of judging seeds such as ``10000-10063``, seen by the judge.

    Raises:
        InvalidValueError: a seed is not for judging.
    """
    parsed = parse_seeds(seeds)
    require_split("judge", parsed)
    return People.seen(Bench(load_plugins().backbone(RENDERED), NEUTRAL, parsed), OracleJudge("judge"))


def of_each(
    measure: Callable[[People, str, LearnedAttribute], dict[str, Any] | None], seeds: str, bank: Path | None, title: str
) -> dict[str, Any]:
    """Figures of every starter attribute, on held-out people.

    Args:
        measure: makes them of people, an attribute's name and the attribute; None if nobody is fit to be judged.
        seeds: of the people.
        bank: where the attributes are; None is the starter bank.
        title: of the progress bar.
    """
    chosen, people = Bank.open(bank) if bank else Bank.starter(), held_out(seeds)
    names = track(PAIRS, title, console=Console(stderr=True))
    found = {name: measure(people, name, stored(chosen, name)) for name in names}
    return {"seeds": seeds, "attributes": {name: figures for name, figures in found.items() if figures}}
