"""Table 1 of the AVI paper (arXiv 2502.02225): ``python -m lab.figures.table1 --help``.

FID, CLIP score, LPIPS and run time for Female, Male, Old and Young on Stable Diffusion 2.1: the target prompt, the
paper's method and the difference vectors. The paper does not say what its FID refers to, nor how many pictures,
which CLIP and which LPIPS it took, so its figures stand beside ours and cannot be compared digit by digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress

from attrbank.diffusion.placement import Dtype, Placement
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import Figures, Point
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import parse_seeds
from attrbank.store.bank import Bank

SOURCE = "a photo of a person"
TARGETS = {
    "female": "a photo of a woman",
    "male": "a photo of a man",
    "old": "a photo of an old person",
    "young": "a photo of a young person",
}
METHODS = {"target-prompt": "target prompt", "paper": "AVI", "attribute": "difference vectors"}


class Published(NamedTuple):
    """A row of the paper's table."""

    fid: float
    clip: float
    lpips: float


PUBLISHED = {
    "female": Published(19.69, 28.4, 0.33),
    "male": Published(10.08, 25.4, 0.14),
    "old": Published(16.93, 26.1, 0.11),
    "young": Published(34.54, 27.59, 0.12),
}
PUBLISHED_SECONDS = 6.7


def require_attributes(
    bank: Path,
    backbone: str,
    placement: Placement,
    seeds: tuple[int, ...],
    steps: int,
    on_progress: Callable[[str, int, int], None],
) -> None:
    """Learn those of the four that the bank lacks."""
    known = {entry.name for entry in Bank.open(bank).entries() if entry.origin == "user"}
    for name, target in TARGETS.items():
        if name not in known:
            spec = learn_spec(name, [SOURCE], [target], seeds=seeds, steps=steps)
            learn(spec, backbone=backbone, placement=placement, bank=bank, force=True, on_progress=on_progress)


def table(figures: Figures) -> str:
    """The figures as Markdown: FID / CLIP score / LPIPS / seconds."""
    lines = [
        f"| | {' | '.join(METHODS.values())} | AVI as published |",
        f"|---|{'---|' * (len(METHODS) + 1)}",
        *_rows(figures),
    ]
    return "\n".join(lines)


def _rows(figures: Figures) -> Iterator[str]:
    for attribute in figures.attributes:
        curves = [attribute.curve(method) for method in METHODS]
        cells = ["–" if curve is None else _cell(curve.points[-1]) for curve in curves]
        fid, clip, lpips = PUBLISHED[attribute.name]
        published = f"{fid:.2f} / {clip:.1f} / {lpips:.2f} / {PUBLISHED_SECONDS}"
        yield f"| {attribute.name} | {' | '.join(cells)} | {published} |"


def _cell(point: Point) -> str:
    found: Mapping[str, float] = point.distances | {name: e.value for name, e in point.figures.items()}
    return f"{found['fid']:.2f} / {found['clip_score']:.1f} / {found['perceptual']:.2f} / {point.seconds:.1f}"


def main(
    weights: Annotated[Path, typer.Option(help="The networks that judge; see docs/evaluation.md.")],
    out: Annotated[Path, typer.Option(help="For the bank, the cells, the figures and the report.")],
    backbone: Annotated[str, typer.Option(help="Stable Diffusion 2.1 base; the paper's sizes presuppose it.")],
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10255",
    learn_seeds: Annotated[str, typer.Option(help="For the difference vectors.")] = "0-63",
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 50,
    device: Annotated[str | None, typer.Option(help="Where networks run: cpu, cuda, cuda:1, mps.")] = None,
    dtype: Annotated[Dtype | None, typer.Option(help="Precision of the networks.")] = None,
) -> None:
    """Learn the four attributes, measure them, and print the table."""
    placement, bank = Placement(device=device, dtype=dtype), out / "bank"
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        def report(stage: str, done: int, total: int) -> None:
            progress.update(task, description=stage, completed=done, total=total)

        require_attributes(bank, backbone, placement, parse_seeds(learn_seeds), steps, report)
        request = EvalRequest(
            references=tuple(TARGETS),
            seeds=parse_seeds(seeds),
            against=("target-prompt", "paper"),
            strengths=(1.0,),
            prompt=SOURCE,
            backbone=backbone,
            placement=placement,
            steps=steps,
            judge=f"clip:{weights}",
            out=out,
            bank=bank,
        )
        typer.echo(table(evaluate(request, on_progress=report).figures))


if __name__ == "__main__":
    typer.run(main)
