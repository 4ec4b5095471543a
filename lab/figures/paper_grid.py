"""Where the paper's edit is at its best: ``python -m lab.figures.paper_grid``.

Settings are tried on tuning seeds with the tuner's eyes; the best of them are then judged beside prompts.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from attrbank import files
from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.split import SPLITS, require_split
from attrbank.evaluation.bench.subjects import RENDERED
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.names import parse_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Split
from lab import markdown
from lab.figures.brief import cell
from lab.figures.paper_setting import Lacking, Setting
from lab.starter_prompts import NEUTRAL

NAMES = ("smile", "glasses")
COLUMNS = ("", "edit", "images", "success / flips / identity", "distance")

ALONE: Mapping[str, Sequence[Any]] = {
    "t_x": (0.9, 0.7, 0.6, 0.5, 0.4, 0.3),
    "delta_tau": (0.0, -0.1, -0.5, -0.7),
    "k": (1, 4, 8, 24),
    "tail": ("alg1",),
    "weights": ("s+ds", "s_x"),
    "guidance_scale": (1.0, 5.0, 7.5),
}
"""Changed one at a time. At ρ = 1 the weights ``s`` are those of ``blend``."""

TOGETHER: Mapping[str, Sequence[Any]] = {
    "weights": ("s+ds",),
    "t_x": (0.9, 0.8, 0.7, 0.6, 0.5),
    "k": (1, 4, 8, 16),
    "delta_tau": (-0.3, -0.5),
}
"""In every combination: weights that did better at less cost, and what lies near the best of the other factors."""


def settings() -> list[Setting]:
    """All that are tried, the published one first."""
    alone = [{factor: value} for factor, values in ALONE.items() for value in values]
    together = [dict(zip(TOGETHER, values, strict=True)) for values in itertools.product(*TOGETHER.values())]
    return list(dict.fromkeys([Setting(), *(Setting(**changed) for changed in alone + together)]))


def picked(tried: Sequence[Mapping[str, Any]]) -> dict[str, Setting]:
    """The published setting, and of those tried the best by success, and by success per identity error.

    What is the best in both ways is named once.
    """
    success = max(tried, key=lambda found: (found["success"]["value"], -found["identity"]["value"]))
    ratio = max(tried, key=lambda found: found["success"]["value"] / max(found["identity"]["value"], 1e-3))
    best = {"most success per identity error": ratio, "most success": success}
    reasons = {Setting(**found["setting"]): why for why, found in best.items()} | {Setting(): "as published"}
    return {why: setting for setting, why in reversed(reasons.items())}


def table(attributes: Mapping[str, Any]) -> str:
    """Markdown: every setting that was tried."""
    return markdown.table(COLUMNS, _tried_rows(attributes))


def best_table(attributes: Mapping[str, Any]) -> str:
    """Markdown: the picked settings, each above what prompts do to the same pictures; nothing twice."""
    return markdown.table(COLUMNS, dict.fromkeys(map(tuple, _best_rows(attributes))))


def _tried_rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        for point in found["tried"]:
            yield [name, str(Setting(**point["setting"])), *_cells(point, point["pictures"])]


def _best_rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        for why, point in found["best"].items():
            setting = Setting(**point["setting"])
            yield [name, f"{why}: {setting}", *_cells(point, point["pictures"])]
            for prompt, seen in point["prompts"].items():
                yield [name, f"{prompt}, guidance {setting.guidance_scale:g}", *_cells(seen, point["pictures"])]


def _cells(found: Mapping[str, Any], pictures: int) -> list[str]:
    return [str(pictures), cell(found), f"{found['distance']['value']:.3f}"]


def _pictures(backbone: Backbone, split: Split, seeds: str) -> Callable[[str, float], Lacking]:
    """Those that lack a named attribute at a guidance scale, for the split's own oracle."""
    parsed = parse_seeds(seeds)
    require_split(split, parsed)
    judge = OracleJudge(SPLITS[split].oracle)
    bench = functools.cache(lambda scale: Bench(backbone, NEUTRAL, parsed, guidance_scale=scale))
    return functools.cache(lambda name, scale: Lacking(bench(scale), judge, name))


def main(
    seeds: Annotated[str, typer.Option(help="Tuning seeds, 1000 to 1999: what is best.")] = "1000-1023",
    judging: Annotated[str, typer.Option(help="Judging seeds, 10000 and above: how good it is.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/paper-grid.json"),
) -> None:
    """Try every setting, judge the best, write the figures as JSON and print them as two tables."""
    backbone, console, found = load_plugins().backbone(RENDERED), Console(stderr=True), dict[str, Any]()
    tuned, judged = _pictures(backbone, "tune", seeds), _pictures(backbone, "judge", judging)
    for name in NAMES:
        tried = [tuned(name, s.guidance_scale).grafted(s) for s in track(settings(), name, console=console)]
        best = {why: judged(name, s.guidance_scale).compared(s) for why, s in picked(tried).items()}
        found[name] = {"tried": tried, "best": best}
    figures = {"seeds": seeds, "judging": judging, "attributes": found}
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(f"{table(found)}\n\n{best_table(found)}")


if __name__ == "__main__":
    typer.run(main)
