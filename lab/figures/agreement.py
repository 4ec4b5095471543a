"""How often judges agree with the truth: ``python -m lab.figures.agreement`` (about ten minutes).

The truth is what the backbone's own judge says. Beside it stand the model's own opinion (``self``), CLIP, if there are
weights, and the other pair of eyes that tunes. Asked is whether the attribute is there: in unedited pictures, in those
with the attribute at some strengths, and in those of the target prompt, so that both answers are right often enough.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank import files
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.setting import Setting, SettingRequest, set_up
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.choosing import ORACLE, chosen
from attrbank.evaluation.judges.judge import Case, Judge
from attrbank.evaluation.numbers.estimates import share
from attrbank.names import format_seeds, parse_seeds
from lab import markdown
from lab.starter_prompts import PAIRS

STRENGTHS = (0.1, 0.3, 0.6, 1.0)
TUNER = "tuner"


def others(setting: Setting, source: str, clip: Path | None) -> dict[str, Judge]:
    """Those that are held against the truth, by name; raises as ``chosen``."""
    bench = setting.bench

    def made(asked: str, **case: Any) -> Judge:
        choice = chosen(asked, source)
        case |= {"argument": choice.argument}
        return choice.made(Case(backbone=bench.backbone, prompt=bench.prompt, source=source, **case))

    named = {"self": made("self"), **({"clip": made(f"clip:{clip}")} if clip else {})}
    return {**named, TUNER: made(ORACLE, split="tune")}


def pictures(bench: Bench, subject: Subject) -> Tensor:
    """Without the attribute, with it at ``STRENGTHS``, and under the target prompt, (6·B, 3, h, w)."""
    edited = [bench.edited([bench.act(subject.learned, strength)]) for strength in STRENGTHS]
    return bench.images(torch.cat([bench.unedited, *edited, bench.switched(subject.target, 1.0)]))


def agreement(truth: Tensor, said: Tensor) -> dict[str, Any]:
    """How often a judge says what is true: of all pictures, of those with the attribute, and of those without.

    Shapes:
        truth, said: (N,) bool.
    """
    parts = {"all": torch.ones_like(truth), "there": truth, "absent": ~truth}
    right = said == truth
    return {name: share(right[rows].numpy()).model_dump() if rows.any() else None for name, rows in parts.items()}


def measure(setting: Setting, judges: Mapping[str, Judge]) -> dict[str, Any]:
    """The agreement of each judge with the setting's own about each of its attributes."""
    found = {}
    for subject in track(setting.subjects, "agreement", console=Console(stderr=True)):
        images = pictures(setting.bench, subject)
        truth = _sees(setting.judge.judge, subject, images)
        agreed = {name: agreement(truth, _sees(judge, subject, images)) for name, judge in judges.items()}
        found[subject.label] = {"pictures": len(images), "there": int(truth.sum()), "judges": agreed}
    return found


def _sees(judge: Judge, subject: Subject, images: Tensor) -> Tensor:
    return judge.effect(subject, judge.look(images)) > 0


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: of all pictures [95 % interval] (of those with the attribute / without it)."""
    names = list(next(iter(figures["attributes"].values()))["judges"])
    return markdown.table(["", "images", "with it", *names], _rows(figures["attributes"]))


def _rows(attributes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in attributes.items():
        yield [name, str(found["pictures"]), str(found["there"]), *map(_cell, found["judges"].values())]


def _cell(agreed: Mapping[str, Any]) -> str:
    there, absent = (f"{part['value']:.2f}" if part else "–" for part in (agreed["there"], agreed["absent"]))
    return f"{markdown.interval(agreed['all'])} ({there} / {absent})"


def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="[REF]...", help="Default: the starter bank's.")] = None,
    *,
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "30000-30011",
    steps: Annotated[int | None, typer.Option(help="Sampling steps; default the backbone's.")] = None,
    backbone: Annotated[str, typer.Option(help="One that brings its own judge.")] = "portraits",
    clip: Annotated[Path | None, typer.Option(help="A folder with CLIP, to ask it as well.")] = None,
    bank: Annotated[Path | None, typer.Option(help="Default: yours.")] = None,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/agreement.json"),
) -> None:
    """Ask every judge about every attribute, write the figures as JSON and print them as a table."""
    parsed = parse_seeds(seeds)
    require_split("judge", parsed)
    request = SettingRequest(
        references=tuple(names or PAIRS), seeds=parsed, judge=ORACLE, backbone=backbone, steps=steps, bank=bank
    )
    setting = set_up(request)
    found = measure(setting, others(setting, backbone, clip))
    figures = {"seeds": format_seeds(parsed), "backbone": backbone, "attributes": found}
    files.replace(out, f"{json.dumps(figures, indent=1)}\n".encode())
    typer.echo(table(figures))


if __name__ == "__main__":
    typer.run(main)
