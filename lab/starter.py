"""Learn the starter bank again: ``python -m lab.starter --out bank``.

Each attribute is learned from a neutral pair and from pairs that name other attributes on both sides,
so that what goes together in the training data cancels in the difference (docs/method.md 5.6).
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.bench.subjects import RENDERED
from attrbank.evaluation.judges.judge import Case
from attrbank.evaluation.tuning import Tuner
from attrbank.learning.request import learn_spec
from attrbank.learning.run import Prepare, learn
from attrbank.names import format_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec
from attrbank.store.bank import Bank
from lab.starter_prompts import BRANCHES, NEUTRAL, OTHER_BRANCH, SIDES, pairs


@dataclass(frozen=True)
class Lesson:
    """How much is learned from.

    Attributes:
        seeds: how many, from 0 on.
        pairs: the most of each attribute; None is all.
        core: the only one; None takes what is found to do best.
        tune: whether it is tuned.
    """

    seeds: int = 144
    pairs: int | None = None
    core: str | None = None
    tune: bool = True

    def spec(self, name: str) -> LearnSpec:
        """What ``learn`` is asked for this attribute."""
        sources, targets = zip(*pairs(name)[: self.pairs], strict=True)
        branch = BRANCHES.get(name, OTHER_BRANCH)
        return learn_spec(name, sources, targets, seeds=tuple(range(self.seeds)), branch=branch, core=self.core)

    def command(self, name: str) -> str:
        """The ``attrbank learn`` line that does the same."""
        asked = self.spec(name)
        sides = [f"--source {shlex.quote(p.source)} --target {shlex.quote(p.target)}" for p in asked.pairs]
        branch = [f"--branch {asked.branch:g}"] if asked.branch < 1 else []
        core = [f"--core {asked.core}"] if asked.core else []
        tune = ["--tune"] if self.tune else []
        words = ["attrbank learn", name, *sides, f"--seeds {format_seeds(asked.seeds)}", *branch, *core, *tune]
        return " ".join(words)


def main(
    out: Annotated[Path, typer.Option(help="The bank's folder.")] = Path("bank"),
    seeds: Annotated[int, typer.Option(help="Seeds to learn from.", min=1)] = Lesson.seeds,
    most_pairs: Annotated[int | None, typer.Option("--pairs", help="The most pairs of each.", min=1)] = None,
    core: Annotated[str | None, typer.Option(help="The only core; what does best if not given.")] = None,
    tune: Annotated[bool, typer.Option(help="Tune each with the eyes of the tuner.")] = True,
) -> None:
    """Learn every starter attribute and write objects/, SHA256SUMS and README.md; what was measured of others goes."""
    lesson = Lesson(seeds, most_pairs, core, tune)
    with tempfile.TemporaryDirectory() as scratch, Progress() as progress:
        backbone = load_plugins().backbone(RENDERED)
        prepare = _tuning(backbone) if tune else None
        for name in SIDES:
            learn(
                lesson.spec(name),
                backbone=backbone,
                bank=scratch,
                prepare=prepare,
                on_progress=_bar(progress, name),
            )
        for of_old in ("objects", "cards", "previews"):
            shutil.rmtree(out / of_old, ignore_errors=True)
        (out / "matrix.json").unlink(missing_ok=True)
        shutil.copytree(Path(scratch) / "objects", out / "objects")
        _write_papers(out, Bank(scratch), lesson)


def _tuning(backbone: Backbone) -> Prepare:
    """The tuner of all attributes, which draws its pictures once."""
    case = Case(backbone=backbone, prompt=NEUTRAL, split="tune", source=RENDERED)
    tuner = Tuner(backbone, load_plugins().judge_of(RENDERED, case), NEUTRAL)
    return lambda spec, backbone: lambda learned, backbone, on_progress: tuner.tuned(learned, on_progress)


def _bar(progress: Progress, name: str) -> Callable[[str, int, int], None]:
    task = progress.add_task(name, total=None)

    def show(stage: str, done: int, total: int) -> None:
        progress.update(task, description=f"{name}: {stage}", completed=done, total=total)

    return show


def _write_papers(out: Path, bank: Bank, lesson: Lesson) -> None:
    artifacts = sorted((out / "objects").rglob("*.safetensors"))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out)}" for path in artifacts]
    (out / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    rows = [f"| {e.name} | `{e.id[:12]}` | {e.core} | {e.size_bytes:,} |" for e in bank.entries()]
    lines = [
        "# The starter bank",
        "",
        "Attributes of the embedded backbone `portraits`, made by `python -m lab.starter`.",
        "Check the files with `sha256sum -c SHA256SUMS`. Apache-2.0, like the rest of the project.",
        "",
        "| name | id | core | bytes |",
        "|---|---|---|---|",
        *rows,
        "",
        "Each was learned by one command:",
        "",
        *(f"```\n{lesson.command(name)}\n```\n" for name in SIDES),
    ]
    (out / "README.md").write_text("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
