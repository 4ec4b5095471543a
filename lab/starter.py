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
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from attrbank.evaluation.bench.subjects import RENDERED
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.tuning import Tuner
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import format_seeds
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec
from attrbank.store.bank import Bank
from lab.starter_prompts import BRANCHES, NEUTRAL, OTHER_BRANCH, SIDES, pairs

SEEDS = range(144)


def spec(name: str) -> LearnSpec:
    """What ``learn`` is asked for this attribute."""
    sources, targets = zip(*pairs(name), strict=True)
    return learn_spec(name, sources, targets, seeds=tuple(SEEDS), branch=BRANCHES.get(name, OTHER_BRANCH))


def command(asked: LearnSpec) -> str:
    """The ``attrbank learn`` line that does the same."""
    sides = " ".join(f"--source {shlex.quote(p.source)} --target {shlex.quote(p.target)}" for p in asked.pairs)
    branch = f" --branch {asked.branch:g}" if asked.branch < 1 else ""
    return f"attrbank learn {asked.name} {sides} --seeds {format_seeds(asked.seeds)}{branch} --tune"


def main(out: Annotated[Path, typer.Option(help="The bank's folder.")] = Path("bank")) -> None:
    """Learn every starter attribute and write objects/, SHA256SUMS and README.md."""
    with tempfile.TemporaryDirectory() as scratch, Progress() as progress:
        bank, tuner = Bank(scratch), Tuner(load_plugins().backbone(RENDERED), OracleJudge("tuner"), NEUTRAL)
        for name in SIDES:
            on_progress = _bar(progress, name)
            learn(
                spec(name),
                bank=scratch,
                prepare=lambda spec, backbone: lambda learned, backbone, report: tuner.tuned(learned, report),
                on_progress=on_progress,
            )
        shutil.rmtree(out / "objects", ignore_errors=True)
        shutil.copytree(Path(scratch) / "objects", out / "objects")
        _write_papers(out, bank)


def _bar(progress: Progress, name: str) -> Callable[[str, int, int], None]:
    task = progress.add_task(name, total=None)

    def show(stage: str, done: int, total: int) -> None:
        progress.update(task, description=f"{name}: {stage}", completed=done, total=total)

    return show


def _write_papers(out: Path, bank: Bank) -> None:
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
        *(f"```\n{command(spec(name))}\n```\n" for name in SIDES),
    ]
    (out / "README.md").write_text("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
