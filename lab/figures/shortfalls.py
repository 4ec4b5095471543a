"""Where edits fall short of what a reader would expect: ``python -m lab.figures.shortfalls``.

How suddenly an attribute comes as its strength rises, whether it comes against a prompt that says the opposite, and
what prompt switches earlier than those of ``eval`` do for the one attribute that those do not bring in.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.readings import GOALS, PROMPTS, has_all, perceptual_distance
from attrbank.evaluation.numbers.estimates import share
from attrbank.store.bank import Bank
from lab import markdown
from lab.figures.brief import brief, cell
from lab.figures.people import People, held_out
from lab.starter_prompts import PAIRS
from lab.stored import stored

OPPOSITES: Mapping[str, str] = {
    "young": "a photo of an old person",
    "old": "a photo of a young person",
    "smile": "a photo of a serious man without glasses",
    "serious": "a photo of a smiling person",
    "man": "a photo of a woman",
    "woman": "a photo of a man",
    "glasses": "a photo of a serious man without glasses",
    "hat": "a photo of a person, without a hat",
    "beard": "a photo of a man, without a beard",
    "sad": "a photo of a person, laughing",
    "long-hair": "a photo of a person, with short hair",
}
"""For each starter attribute a prompt that says it is not there."""

STEPS = 10
LATE_COMER, EARLY = "hat", (0.92, 0.96)
"""Times of a switch, as fractions of T: the second step of 25, and the first."""


def largest_steps(people: People, name: str, learned: LearnedAttribute) -> dict[str, float]:
    """The share that the largest of ten equal steps has in the perceptual distance that strength 1 adds to a picture.

    Gradual is .1. Over the pictures that lack the attribute: the smallest, the median and the largest share.
    """
    part = people.only(~has_all(people.before, (name,)))
    seen = [part.before, *(part.after([part.bench.act(learned, n / STEPS)]) for n in range(1, STEPS + 1))]
    way = torch.stack([perceptual_distance(part.before, after) for after in seen])  # (11, B)
    shares = sorted((way.diff(dim=0).amax(0) / way[-1]).tolist())
    return {"pictures": len(shares), "least": shares[0], "median": shares[len(shares) // 2], "most": shares[-1]}


def against(contrary: People, name: str, learned: LearnedAttribute) -> dict[str, Any]:
    """Success at strength 1 on people whose prompt says the opposite, as far as they heed it."""
    part = contrary.only(~has_all(contrary.before, (name,)))
    after = part.after([part.bench.act(learned, 1.0)])
    return {"pictures": len(part), "success": share(has_all(after, (name,)).numpy()).model_dump()}


def early_switches(people: People) -> dict[str, Any]:
    """Success, flips and identity error of prompt switches at ``EARLY``."""
    part = people.only(~has_all(people.before, (LATE_COMER,)))
    seen = {f"{time:g}": part.look(part.bench.switched(PROMPTS[LATE_COMER], time)) for time in EARLY}
    goal = GOALS[LATE_COMER].value
    found = {time: brief(has_all(after, (LATE_COMER,)), part.before, after, goal) for time, after in seen.items()}
    return {"pictures": len(part), "times": found}


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: by attribute, the largest step, and the success against the prompt."""
    columns = ["", "images", "largest of ten steps", "a prompt that says the opposite", "images", "success there"]
    return markdown.table(columns, _rows(figures["attributes"]))


def _rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        step, contrary = found["steps"], found["against"]
        largest = f"{step['median']:.2f} ({step['least']:.2f} to {step['most']:.2f})"
        success = markdown.interval(contrary["success"])
        yield [name, str(step["pictures"]), largest, OPPOSITES[name], str(contrary["pictures"]), success]


def switch_table(figures: Mapping[str, Any]) -> str:
    """Markdown: the early prompt switches."""
    columns, found = ["", "images", *(f"switch at {time:g} T" for time in EARLY)], figures["switches"]
    cells = [cell(found["times"][f"{time:g}"]) for time in EARLY]
    return markdown.table(columns, [[LATE_COMER, str(found["pictures"]), *cells]])


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10007",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/shortfalls.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure every starter attribute, write the figures as JSON and print them as a table."""
    chosen, people, found = Bank.open(bank) if bank else Bank.starter(), held_out(seeds), dict[str, Any]()

    @functools.cache
    def under(prompt: str) -> People:
        return People.seen(Bench(people.bench.backbone, prompt, people.bench.seeds), people.eyes)

    for name in track(PAIRS, "shortfalls", console=Console(stderr=True)):
        learned = stored(chosen, name)
        steps, contrary = largest_steps(people, name, learned), against(under(OPPOSITES[name]), name, learned)
        found[name] = {"steps": steps, "against": contrary}
    figures = {"seeds": seeds, "attributes": found, "switches": early_switches(people)}
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(f"{table(figures)}\n\n{switch_table(figures)}")


if __name__ == "__main__":
    typer.run(main)
