"""Make every figure, table and picture of the documents again: ``python -m lab.regenerate``.

Runs in a clone of the repository, on the starter bank as it lies there; the user's bank has no say.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated

import typer

from attrbank import files
from attrbank.errors import AttrbankError, PartialError
from lab.readme import PAGES, rewritten
from lab.starter_prompts import PAIRS

DOCUMENTS = Path("docs")
FIRST, PEOPLE = 10_000, 128
"""The first judging seed, and how many people most tables judge."""


@dataclass(frozen=True)
class Step:
    """A part of the work.

    Attributes:
        name: what ``--only`` calls it.
        writes: what it makes in the clone.
        commands: what follows ``python -m``. ``{out}`` is a scratch folder; what the step makes is taken from there
            when all commands have succeeded. A step without it writes to its place by itself. For the rest in braces
            see ``filled``.
        needs: packages of ``plugins/`` without which its result would be incomplete.
    """

    name: str
    writes: tuple[str, ...]
    commands: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @property
    def in_place(self) -> bool:
        """Whether it writes to its place by itself."""
        return not any("{out}" in command for command in self.commands)


ALL = " ".join(PAIRS)
FINDINGS = (
    *("sweep.json", "sweep-1.png", "order.json", "order.png", "distance.json", "distance.png"),
    *("ablation.json", "ablation.png", "rho.json", "rho-smile.png"),
)
STEPS = (
    Step(
        "eval",
        ("docs/figures.json",),
        (f"attrbank eval {ALL} --against target-prompt,prompt-switch,paper --quick --seeds {{people}} --out {{out}}",),
    ),
    Step("cards", ("bank/cards",), ("lab.cards --figures docs/figures.json --out bank",)),
    Step("previews", ("bank/previews",), ("lab.previews --bank bank",)),
    Step(
        "matrix",
        ("bank/matrix.json",),
        (f"attrbank matrix {ALL} --seeds {{half}} --largest 2 --out {{out}} --save --bank {{out}}",),
    ),
    Step(
        "placebo", ("docs/placebo.json",), ("lab.figures.placebo --seeds {half} --work {out} --out {out}/placebo.json",)
    ),
    Step(
        "shortfalls",
        ("docs/shortfalls.json",),
        ("lab.figures.shortfalls --seeds {quarter} --out {out}/shortfalls.json",),
    ),
    Step("agreement", ("docs/agreement.json",), ("lab.figures.agreement --out {out}/agreement.json",)),
    Step(
        "new-truth",
        ("docs/new-truth.json", "docs/sliders.png"),
        (
            "lab.figures.new_truth --backbone portraits --work {out} --out {out}/new-truth.json",
            "lab.figures.sliders --out {out}/sliders.png",
        ),
    ),
    Step(
        "new-truth-avatars",
        ("docs/new-truth-avatars.json",),
        ("lab.figures.new_truth --backbone avatars --work {out} --out {out}/new-truth-avatars.json",),
        needs=("attrbank-avatars",),
    ),
    Step(
        "graded-sheet",
        ("docs/portraits.png",),
        ("lab.portraits.sheet --rows 8 --model attrbank/backbones/portraits/model --out {out}/portraits.png",),
    ),
    Step(
        "avatars-sheet",
        ("plugins/attrbank-avatars/sheet.png",),
        ("lab.avatars.sample plugins/attrbank-avatars/attrbank_avatars/model {out}/sheet.png",),
        needs=("attrbank-avatars",),
    ),
    Step("bars", ("docs/bars.json",), ("lab.figures.bars --out {out}/bars.json",)),
    Step(
        "compositions",
        ("docs/compositions.json",),
        ("lab.figures.compositions --seeds {people} --out {out}/compositions.json",),
    ),
    Step("strengths", ("docs/strengths.json",), ("lab.figures.strengths --seeds {people} --out {out}/strengths.json",)),
    Step("negatives", ("docs/negatives.json",), ("lab.figures.negatives --seeds {half} --out {out}/negatives.json",)),
    Step(
        "samplers",
        ("docs/samplers.json",),
        ("lab.figures.samplers --seeds {quarter} --out {out}/samplers.json",),
        needs=("attrbank-example-sampler", "attrbank-ksamplers"),
    ),
    Step(
        "pictures",
        ("docs/pictures.json", "docs/pictures.png"),
        ("lab.figures.pictures --count {half_count} --out {out}/pictures.json --picture {out}/pictures.png",),
    ),
    Step(
        "prompts",
        ("docs/prompts.json", "plugins/attrbank-prompt/sheet.png"),
        (
            "lab.figures.prompts --work {out} --out {out}/prompts.json",
            "lab.figures.prompts_sheet --out {out}/sheet.png",
        ),
        needs=("attrbank-prompt",),
    ),
    Step("sheet", ("docs/contact-sheet.png",), ("lab.figures.sheet --out {out}/contact-sheet.png",)),
    Step("page", ("docs/ui.png",), ("lab.figures.page --out {out}/ui.png",)),
    Step("first-edit", ("docs/first-edit.png",), ("attrbank apply young smile --rho 0.7 -o {out}/first-edit.png",)),
    Step(
        "findings",
        tuple(f"docs/findings/{name}" for name in FINDINGS),
        tuple(
            f"attrbank inspect {what} --out {{out}}"
            for what in ("sweep", "order", "distance", "ablation smile", "rho smile")
        ),
        needs=("attrbank-findings",),
    ),
    Step("paper-grid", ("docs/paper-grid.json",), ("lab.figures.paper_grid --out {out}/paper-grid.json",)),
)


def filled(command: str, out: Path, people: int = PEOPLE) -> list[str]:
    """The words of a command.

    Args:
        command: with ``{people}``, ``{half}`` or ``{quarter}`` for the seeds of so many judged people, ``{half_count}``
            for their number, and ``{out}``.
        out: the scratch folder.
        people: how many are judged where most are.
    """
    parts = {"people": people, "half": people // 2, "quarter": people // 4}
    meant = {name: f"{FIRST}-{FIRST + count - 1}" for name, count in parts.items()}
    meant |= {"half_count": str(parts["half"]), "out": str(out)}
    return [word.format(**meant) for word in command.split()]


def run(step: Step, scratch: Path, people: int = PEOPLE) -> None:
    """Do a step; what it makes is replaced when all of it is there.

    Raises:
        AttrbankError: a package is missing, or a command failed.
        StorageError: a file cannot be written.
    """
    missing = [package for package in step.needs if not _installed(package)]
    if missing:
        folders = " ".join(f"./plugins/{package}" for package in missing)
        raise AttrbankError(f"{', '.join(missing)} must be there, too.", f"Run: pip install {folders}")
    out = scratch / step.name
    out.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"ATTRBANK_BANK": str(scratch / "bank")}  # empty, so that the starter bank is seen
    for command in step.commands:
        arguments = filled(command, out, people)
        process = [sys.executable, "-m", *arguments]
        # What commands print is in the files that they write.
        ended = subprocess.run(process, env=environment, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
        if ended.returncode:
            raise AttrbankError(f"Exit code {ended.returncode} of: python -m {' '.join(arguments)}")
    for path in () if step.in_place else map(Path, step.writes):
        files.replace(path, (out / path.name).read_bytes())


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def run_all(steps: Sequence[Step], scratch: Path, people: int = PEOPLE) -> list[str]:
    """Do steps one after the other, say so on stderr, and return the names of those that failed."""
    failed = []
    for number, step in enumerate(steps, 1):
        started = time.monotonic()
        _say(f"[{number}/{len(steps)}] {step.name}: {', '.join(step.writes)}")
        try:
            run(step, scratch, people)
        except AttrbankError as error:
            failed.append(step.name)
            _say(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
        else:
            _say(f"done in {time.monotonic() - started:.0f} s")
    return failed


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _chosen(only: Collection[str], skipped: Collection[str]) -> list[Step]:
    known = {step.name: step for step in STEPS}
    unknown = sorted({*only, *skipped} - set(known))
    if unknown:
        raise typer.BadParameter(f"There is no step {unknown[0]!r}; there are {', '.join(known)}.")
    return [step for step in STEPS if step.name in (only or known) and step.name not in skipped]


@contextmanager
def _scratch(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def main(
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Of the steps just this; repeatable.")] = None,
    skip: Annotated[list[str] | None, typer.Option(metavar="NAME", help="All steps but this; repeatable.")] = None,
    people: Annotated[int, typer.Option(help="How many people most tables judge.", min=8)] = PEOPLE,
    listing: Annotated[bool, typer.Option("--list", help="Show the steps and what they write.")] = False,
    tables_only: Annotated[bool, typer.Option("--tables-only", help="Only put the tables into their places.")] = False,
    work: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep here what is half done, so that a stopped run goes on.")
    ] = None,
) -> None:
    """Measure and draw what the documents show, and put their tables in place."""
    if not all(page.is_file() for page in PAGES):
        raise typer.BadParameter(f"There is no {PAGES[-1]} here; run this in a clone of the repository.")
    steps, failed = _chosen(only or (), skip or ()), list[str]()
    if listing:
        for step in steps:
            typer.echo(f"{step.name:13} {' '.join(step.writes)}")
        return
    if not tables_only:
        with _scratch(work) as scratch:
            failed = run_all(steps, scratch, people)
    for page in PAGES:
        files.replace(page, rewritten(page.read_text(encoding="utf-8"), DOCUMENTS).encode())
    if failed:
        _say(f"Not made: {', '.join(failed)}.")
        raise typer.Exit(PartialError.exit_code)


if __name__ == "__main__":
    typer.run(main)
