"""Learn the starter bank again: ``python -m attrbank.evaluation.starter --out bank``.

Each attribute is learned from a neutral pair and from pairs that name other attributes on both sides,
so that what goes together in the training data cancels in the difference (METHOD section 5, point 5).
"""

from __future__ import annotations

import hashlib
import itertools
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from attrbank.learning import learn
from attrbank.methods.protocol import OnProgress
from attrbank.names import format_seeds
from attrbank.requests import learn_spec
from attrbank.schema import LearnSpec
from attrbank.store.bank import Bank

SEEDS = range(72)
NEUTRAL = "a photo of a person"

# What each attribute says on the source's and on the target's side, and which others its pairs name.
SIDES: dict[str, tuple[dict[str, int], dict[str, int], tuple[str, ...]]] = {
    "young": ({"old": 1}, {"old": 0}, ("man", "smiling", "glasses")),
    "old": ({"old": 0}, {"old": 1}, ("man", "smiling", "glasses")),
    "smile": ({"smiling": 0}, {"smiling": 1}, ("man", "old", "glasses")),
    "serious": ({"smiling": 1}, {"smiling": 0}, ("man", "old", "glasses")),
    "man": ({"man": 0}, {"man": 1}, ("old", "smiling", "hat")),
    "woman": ({"man": 1}, {"man": 0}, ("old", "smiling", "hat")),
    "glasses": ({"glasses": 0}, {"glasses": 1}, ("man", "old", "smiling")),
    "hat": ({"hat": 0}, {"hat": 1}, ("man", "old", "smiling")),
    "beard": ({"beard": 0}, {"beard": 1}, ("man", "old", "smiling")),
}
_CLAUSES = {
    "smiling": ("serious", "smiling"),
    "glasses": ("without glasses", "with glasses"),
    "hat": ("without a hat", "with a hat"),
    "beard": ("without a beard", "with a beard"),
}


def prompt(named: Mapping[str, int]) -> str:
    """A prompt that names these attributes: ``{"old": 1, "hat": 0}`` to "a photo of an old person, without a hat"."""
    age = {1: "old ", 0: "young ", None: ""}[named.get("old")]
    noun = {1: "man", 0: "woman", None: "person"}[named.get("man")]
    clauses = [f", {words[named[name]]}" for name, words in _CLAUSES.items() if name in named]
    return f"a photo of {'an' if age == 'old ' else 'a'} {age}{noun}{''.join(clauses)}"


def target_of(name: str) -> str:
    """The plain prompt for an attribute, such as "a photo of an old person"."""
    return prompt(SIDES[name][1])


def pairs(name: str) -> list[tuple[str, str]]:
    """The attribute's prompt pairs: the neutral one first, then every combination of its context."""
    source, target, others = SIDES[name]
    # The first source is what ``apply`` draws if no prompt is given: for "young" it is somebody who is not.
    found = [("a photo of a man", "a photo of a young man") if name == "young" else (NEUTRAL, prompt(target))]
    for values in itertools.product((0, 1), repeat=len(others)):
        context = dict(zip(others, values, strict=True))
        found.append((prompt({**context, **source}), prompt({**context, **target})))
    return found


def spec(name: str) -> LearnSpec:
    """What ``learn`` is asked for this attribute."""
    sources, targets = zip(*pairs(name), strict=True)
    return learn_spec(name, sources, targets, seeds=tuple(SEEDS))


def command(asked: LearnSpec) -> str:
    """The ``attrbank learn`` line that does the same."""
    sides = " ".join(f"--source {shlex.quote(p.source)} --target {shlex.quote(p.target)}" for p in asked.pairs)
    return f"attrbank learn {asked.name} {sides} --seeds {format_seeds(asked.seeds)}"


def main(out: Annotated[Path, typer.Option(help="The bank's folder.")] = Path("bank")) -> None:
    """Learn every starter attribute and write objects/, SHA256SUMS and README.md."""
    with tempfile.TemporaryDirectory() as scratch, Progress() as progress:
        bank = Bank(scratch)
        for name in SIDES:
            learn(spec(name), bank=scratch, on_progress=_bar(progress, name))
        shutil.rmtree(out / "objects", ignore_errors=True)
        shutil.copytree(Path(scratch) / "objects", out / "objects")
        _write_papers(out, bank)


def _bar(progress: Progress, name: str) -> OnProgress:
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
        "Attributes of the embedded backbone `portraits`, made by `python -m attrbank.evaluation.starter`.",
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
