"""What edits by prompts alone do, and draw: ``python -m lab.figures.prompts --work DIR``.

Interpolation, mixing and prompt-to-prompt of ``plugins/attrbank-prompt``, which must be installed, each from the pair
whose source is the pictures' own prompt, beside that pair's target prompt and the best switch to it; and a sheet of
what their settings do. ``--backbone avatars`` for the other model. What is learned and measured is kept in DIR, so that
a stopped run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from attrbank import files
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Point
from attrbank.evaluation.report.tables import number
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from lab import markdown
from lab.figures.new_truth import PICTURE, TRUTHS
from lab.starter_prompts import NEUTRAL, PAIRS
from lab.stored import stored

METHODS = {"prompt-mixing": "mixing at T/2", "prompt-to-prompt": "prompt-to-prompt"}
SHOWN = {
    "target-prompt": "target prompt",
    "prompt-switch": "best prompt switch",
    "attribute": "interpolation",
    **{f"method:{name}": title for name, title in METHODS.items()},
}
STRENGTHS = (0.5, 1.0)
DIGITS = {"success": 2, "damage": 2, "flips": 3, "identity": 2, "geometry": 2, "perceptual": 3}
TARGETS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "portraits": (
        NEUTRAL,
        {"old": "a photo of an old person", "smile": PAIRS["smile"][1], "glasses": PAIRS["glasses"][1]},
    ),
    "avatars": (PICTURE, {name: TRUTHS["avatars"].pairs[name][1] for name in ("glasses", "hat")}),
}
"""Of each model the prompt of the pictures, and the target prompt of each attribute."""


class Setting(NamedTuple):
    """A column of the sheet.

    Attributes:
        title: above it.
        method: with its parameters; ``{word}`` is the attribute's.
        strength: of the edit.
    """

    title: str
    method: str
    strength: float


SETTINGS = (
    Setting("interpolated", "prompt-interpolation", 1),
    Setting("mixed", "prompt-mixing", 1),
    Setting("p2p", "prompt-to-prompt", 1),
    Setting("all own", "prompt-to-prompt:cross=1,own=1", 1),
    Setting("blend", "prompt-to-prompt:blend={word}", 1),
    Setting("weight 3", "prompt-to-prompt:edit=reweight", 3),
    Setting("weight −2", "prompt-to-prompt:edit=reweight", -2),
)
WORDS = {"smile": "smiling"}
"""What prompts call it, where that is not the attribute's name."""


def learned(backbone: str, name: str, method: str, bank: Path) -> str:
    """The name in a bank of an attribute, learned if it is not there: its own for interpolation, or a longer one."""
    prompt, targets = TARGETS[backbone]
    method = method.format(word=WORDS.get(name, name))
    longer = "".join(letter if letter.isalnum() else "-" for letter in f"{name}-{method}")[:63].strip("-").lower()
    known = name if method == "prompt-interpolation" else longer
    if not bank.exists() or known not in {entry.name for entry in Bank(bank).entries()}:
        spec = learn_spec(known, [prompt], [targets[name]], method=method)
        learn(spec, bank=bank, backbone=backbone)
    return known


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: success / damage / flips / identity error … at strength 1, then evaluations; the switch is the best."""
    found = Figures.model_validate(figures)
    return markdown.table(["", "images", *SHOWN.values()], [*map(_row, found.attributes), _cost(found.attributes[0])])


def _row(found: AttributeFigures) -> list[str]:
    return [found.name, str(found.pictures), *(_cell(point) for point in _points(found))]


def _cost(found: AttributeFigures) -> list[str]:
    return ["evaluations", "", *(f"{point.unet_evaluations:.0f}" for point in _points(found))]


def _points(found: AttributeFigures) -> Iterator[Point]:
    for name in SHOWN:
        curve = found.curve(name)
        if not isinstance(curve, Curve):
            raise typer.BadParameter(f"{name} was not measured of {found.name}; its method is not installed.")
        point = curve.best if name == "prompt-switch" else curve.at(1.0)
        if point is not None:
            yield point


def _cell(point: Point) -> str:
    value = {name: estimate.value for name, estimate in point.figures.items()}
    return " / ".join(number(value[name], digits) for name, digits in DIGITS.items() if name in value)


def sheet(backbone: str, seeds: str, bank: Path, path: Path) -> None:
    """Draw the people, and each attribute at each of the settings."""
    prompt, targets = TARGETS[backbone]
    bench = Bench(load_plugins().backbone(backbone), prompt, parse_seeds(seeds))
    columns, stacks, gaps = ["before"], [bench.images(bench.unedited)], set[int]()
    for name in targets:
        gaps.add(len(columns))
        for title, method, strength in SETTINGS:
            attribute = stored(Bank.open(bank), learned(backbone, name, method, bank))
            columns.append(title)
            stacks.append(bench.images(bench.edited([bench.act(attribute, strength)])))
    draw_grid(columns, stacks, gaps=gaps).save(path)


def main(
    work: Annotated[Path, typer.Option(help="Where the bank and the cells are kept.")],
    backbone: Annotated[str, typer.Option(help=f"The model: {' or '.join(TARGETS)}.")] = "portraits",
    seeds: Annotated[str, typer.Option(help="To judge on.")] = "30000-30015",
    drawn: Annotated[str, typer.Option(help="To draw.")] = "30000-30007",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/prompts.json"),
    picture: Annotated[Path | None, typer.Option(help="Where the sheet goes, if one is to be drawn.")] = None,
) -> None:
    """Learn, measure, write the figures as JSON and print them as a table; and draw."""
    bank, (prompt, targets) = work / "bank", TARGETS[backbone]
    names = tuple(learned(backbone, name, "prompt-interpolation", bank) for name in targets)
    request = EvalRequest(
        references=names,
        seeds=tuple(parse_seeds(seeds)),
        prompt=prompt,
        against=("target-prompt", "prompt-switch"),
        methods=tuple(METHODS),
        strengths=STRENGTHS,
        quick=True,
        backbone=backbone,
        bank=bank,
        out=work / "cells",
    )
    found = evaluate(request).figures
    files.replace(out, f"{found.model_dump_json(indent=1)}\n".encode())
    typer.echo(table(json.loads(found.model_dump_json())))
    if picture is not None:
        sheet(backbone, drawn, bank, picture)


if __name__ == "__main__":
    typer.run(main)
