"""Make every figure, table and picture of the documents again: ``python -m lab.regenerate``.

Runs in a clone of the repository, on the starter bank as it lies there; the user's bank has no say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated

import typer

from attrbank import files
from attrbank.backbones.sources import PORTRAITS
from attrbank.errors import AttrbankError, PartialError
from attrbank.evaluation.judges import oracle
from lab.at_once import done_of
from lab.readme import PAGES, rewritten
from lab.steps import PEOPLE, STEPS, Step, filled
from lab.work import Work, digest

DOCUMENTS = Path("docs")
TIMES = DOCUMENTS / "regenerate.json"
CLOCK, SAID = "all", "said.txt"
AT_ONCE = 2
"""Steps at a time, each with one thread: torch's threads gain less from a second core than a second step does."""
MEASURED = (Path("bank/objects"), PORTRAITS, oracle.FOLDER)
"""What every step looks at: another bank, model or oracle undoes what is done."""


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
    threads = os.cpu_count() if step.alone else 1
    environment = os.environ | {"ATTRBANK_BANK": str(scratch / "bank"), "OMP_NUM_THREADS": str(threads)}  # no such bank
    for command in step.commands:
        arguments = filled(command, out, people)
        process = [sys.executable, "-m", *arguments]
        # What commands print is in the files that they write; bars of two at a time would be a mess.
        with (out / SAID).open("wb") as said:
            ended = subprocess.run(process, env=environment, stdout=said, stderr=said, check=False)  # noqa: S603
        if ended.returncode:
            raise AttrbankError(
                f"Exit code {ended.returncode} of: python -m {' '.join(arguments)}. {_complaint(out / SAID)}".strip()
            )
    for path in () if step.in_place else map(Path, step.writes):
        files.replace(path, (out / path.name).read_bytes())


def _complaint(said: Path) -> str:
    """What a command said last, from its error on if it named one."""
    lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    named = [number for number, line in enumerate(lines) if line.startswith("error:")]
    return " ".join(lines[named[-1] if named else -1 :])


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def run_all(steps: Sequence[Step], work: Work, people: int = PEOPLE) -> list[str]:
    """Do what is not done of steps, say so on stderr, and return the names of those that were not made.

    Two run at a time; one that waits for another comes after it, and those that measure time come last, one by one.
    """

    def do(name: str) -> bool:
        return _done(named[name], work, people)

    named, began = {step.name: step for step in steps}, time.monotonic()
    done = set[str]()
    try:
        for alone in (False, True):
            done |= done_of(
                {step.name: step.after for step in steps if step.alone is alone}, do, 1 if alone else AT_ONCE
            )
    finally:
        work.add(CLOCK, time.monotonic() - began, done=True)
    return [name for name in named if name not in done]


def _done(step: Step, work: Work, people: int) -> bool:
    """Whether a step is done, by now or before."""
    if work.seconds(step.name, done=True):
        _say(f"{step.name}: done before")
        return True
    _say(f"{step.name}: {', '.join(step.writes)} …")
    began, done = time.monotonic(), False
    try:
        run(step, work.folder, people)
        done = True
    except AttrbankError as error:
        _say(f"{step.name}: error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
    finally:
        work.add(step.name, time.monotonic() - began, done=done)
    _say(f"{step.name}: {'done' if done else 'given up'} after {work.seconds(step.name, done=False):.0f} s")
    return done


def keep_times(steps: Sequence[Step], work: Work, people: int) -> None:
    """Tell ``TIMES`` how long the steps took that are done, and, if none is missing, all of them by the clock."""
    found = {step.name: work.seconds(step.name, done=True) for step in steps}
    took = {name: round(seconds) for name, seconds in found.items() if seconds}
    if not took:
        return
    known = json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.is_file() else {}
    if known.get("people") != people:
        known = {"people": people, "steps": {}}
    times = known | {"steps": known["steps"] | took}
    if {step.name for step in STEPS if not step.by_hand} <= took.keys():
        times["clock"] = round(work.seconds(CLOCK, done=True))
    files.replace(TIMES, f"{json.dumps(times, indent=1)}\n".encode())


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _chosen(only: Collection[str], skipped: Collection[str]) -> list[Step]:
    known = {step.name: step for step in STEPS}
    unknown = sorted({*only, *skipped} - set(known))
    if unknown:
        raise typer.BadParameter(f"There is no step {unknown[0]!r}; there are {', '.join(known)}.")
    wanted = only or {step.name for step in STEPS if not step.by_hand}
    return [step for step in STEPS if step.name in wanted and step.name not in skipped]


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
            remembering = Work(scratch, digest(MEASURED, str(people)))
            failed = run_all(steps, remembering, people)
            keep_times(steps, remembering, people)
    for page in PAGES:
        files.replace(page, rewritten(page.read_text(encoding="utf-8"), DOCUMENTS).encode())
    if failed:
        _say(f"Not made: {', '.join(failed)}.")
        raise typer.Exit(PartialError.exit_code)


if __name__ == "__main__":
    typer.run(main)
