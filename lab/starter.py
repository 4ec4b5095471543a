"""Learn the starter bank again: ``python -m lab.starter --out bank``.

Each attribute is learned by what a user would type: one pair of prompts and no options.
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
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from lab.starter_prompts import PAIRS


def command(name: str) -> str:
    """The ``attrbank learn`` line that does the same."""
    source, target = PAIRS[name]
    return f"attrbank learn {name} --source {shlex.quote(source)} --target {shlex.quote(target)}"


def main(out: Annotated[Path, typer.Option(help="The bank's folder.")] = Path("bank")) -> None:
    """Learn every starter attribute and write objects/, SHA256SUMS and README.md; what was measured of others goes."""
    with tempfile.TemporaryDirectory() as scratch, Progress() as progress:
        backbone = load_plugins().backbone(RENDERED)
        for name, (source, target) in PAIRS.items():
            learn(
                learn_spec(name, [source], [target]),
                backbone=backbone,
                bank=scratch,
                on_progress=_bar(progress, name),
            )
        replace(out, Bank(scratch), Path(scratch) / "objects")


def replace(out: Path, bank: Bank, objects: Path) -> None:
    """Put a bank in the place of the starter bank, whose cards, previews and matrix tell of others by now."""
    for of_old in ("objects", "cards", "previews"):
        shutil.rmtree(out / of_old, ignore_errors=True)
    (out / "matrix.json").unlink(missing_ok=True)
    shutil.copytree(objects, out / "objects")
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
        *(f"```\n{command(name)}\n```\n" for name in PAIRS),
    ]
    (out / "README.md").write_text("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
