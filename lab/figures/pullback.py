"""What the pullback finds on ``portraits``: ``python -m lab.figures.pullback`` (three minutes on two cores).

It takes ``plugins/attrbank-pullback``. The people are those of tuning seeds, because the eyes that look at them give
the directions their names.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.judge import Case
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attributes
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from lab.starter_prompts import NEUTRAL

if TYPE_CHECKING:
    from attrbank_pullback.meaning import Meaning

SEEDS, STRENGTHS, COMPONENTS = "1000-1007", (-1.0, 1.0), 3
LEARNED_FROM = (0, 1)
SHOWN = 3


def learned(bench: Bench) -> tuple[LearnedAttribute, ...]:
    """The strongest directions of the bottleneck."""
    asked = learn_spec("component", (), (), method="pullback", components=COMPONENTS, seeds=LEARNED_FROM)
    spec = complete(asked, bench.backbone)
    return learn_attributes(spec, load_plugins().method(spec.method), bench.backbone, bench.trajectory.sampler)


def told(attribute: LearnedAttribute, meaning: Meaning) -> str:
    """One line: what was measured at learning, and which readings change most."""
    measured = (f"{name} {value:.3g}" for name, value in attribute.record.measured.items())
    changes = (f"{each.goal} {each.size:+.2f} ({each.agreeing:.0%})" for each in meaning.changes[:SHOWN])
    return f"{attribute.record.name}: {meaning.name}; {', '.join(changes)}; {', '.join(measured)}"


def main(
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("plugins/attrbank-pullback/sheet.png"),
    seeds: Annotated[str, typer.Option(help="Of the people.")] = SEEDS,
) -> None:
    """Eight people, and three directions of the bottleneck on either side; what a judge sees goes to stdout."""
    bench = Bench(load_plugins().backbone("portraits"), NEUTRAL, parse_seeds(seeds))
    judge = load_plugins().judge_of("portraits", Case(backbone=bench.backbone, prompt=NEUTRAL, split="tune"))
    from attrbank_pullback.meaning import Eyes  # a package that not everybody has

    eyes = Eyes(judge, bench)
    columns, stacks, gaps = ["plain"], [bench.images(bench.unedited)], set[int]()
    for attribute in learned(bench):
        gaps.add(len(columns))
        for strength in STRENGTHS:
            columns.append(f"{attribute.record.name} {strength:g}")
            stacks.append(bench.images(bench.edited([bench.act(attribute, strength)])))
        typer.echo(told(attribute, eyes.meaning(attribute, stacks[-1])))
        draw_grid(columns, stacks, gaps=gaps, labels=[str(seed) for seed in bench.seeds]).save(out)


if __name__ == "__main__":
    typer.run(main)
