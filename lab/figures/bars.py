"""Measures what the project promises of its model: ``python -m lab.figures.bars`` (some minutes)."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from attrbank import files
from attrbank.backbones.portraits.parameters import ATTRIBUTES, draw
from attrbank.backbones.portraits.render import render
from attrbank.backbones.sources import PORTRAITS
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.evaluation.judges import oracle
from attrbank.plugins.manager import load_plugins
from lab import markdown
from lab.portraits.captions import caption, mention

HELD_OUT = 10_000


@dataclass(frozen=True)
class Bar:
    """A promise and what was measured."""

    what: str
    promised: str
    measured: float
    kept: bool


def megabytes() -> float:
    """Size of the backbone and the oracles in the wheel."""
    files_of = (path for folder in (PORTRAITS, oracle.FOLDER) for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files_of) / 1e6


def read_rightly(judge: oracle.Oracle, through: Callable[[Tensor], Tensor] = lambda images: images) -> float:
    """Share of attributes of 1024 held-out renders that the judge reads rightly, perhaps after a round trip."""
    people = draw(1024, HELD_OUT)
    images = torch.cat([through(part) for part in torch.split(render(people), 32)])
    return ((judge.read(images).logits > 0) == (people.attributes > 0.5)).float().mean().item()


def trajectory(backbone: Backbone, steps: int) -> Trajectory:
    """DDIM at the default guidance."""
    sampler = load_plugins().sampler("ddim")
    grid = sampler.grid(steps, backbone.schedule)
    return Trajectory(backbone, sampler, grid=grid, guidance_scale=backbone.defaults.guidance_scale, batch_size=32)


def follows_prompts(backbone: Backbone, judge: oracle.Oracle, count: int = 512) -> tuple[float, Mapping[str, float]]:
    """Share of the mentioned attributes that are there, over held-out seeds and captions; also by attribute."""
    rng = random.Random(HELD_OUT)  # noqa: S311 — captions, not secrets
    truths = [dict(zip(ATTRIBUTES, row, strict=True)) for row in draw(count, HELD_OUT).attributes.int().tolist()]
    mentioned = [mention(truth, rng) for truth in truths]
    prompts = [caption(named, rng) for named in mentioned]
    run = trajectory(backbone, backbone.defaults.steps)
    latents = run.run(run.start(range(HELD_OUT, HELD_OUT + count)), backbone.encode_prompts(prompts)).latent
    images = torch.cat([backbone.decode(part) for part in torch.split(latents, 32)])
    seen = (judge.read(images).logits > 0).int()
    hits: dict[str, list[bool]] = {name: [] for name in ATTRIBUTES}
    for row, named in zip(seen.tolist(), mentioned, strict=True):
        for name, value in named.items():
            hits[name].append(row[ATTRIBUTES.index(name)] == value)
    every = [hit for found in hits.values() for hit in found]
    return sum(every) / len(every), {name: sum(found) / len(found) for name, found in hits.items()}


def seconds_per_image(backbone: Backbone) -> float:
    """Median of five guided images in 50 DDIM steps, decoding included."""
    run, times = trajectory(backbone, 50), []
    conditioning = backbone.encode_prompts([backbone.defaults.prompt])
    for seed in range(HELD_OUT, HELD_OUT + 5):
        started = time.perf_counter()
        backbone.decode(run.run(run.start([seed]), conditioning).latent)
        times.append(time.perf_counter() - started)
    return sorted(times)[2]


def seconds_of(*arguments: str) -> float:
    """Wall-clock time of one cold command."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        command = [sys.executable, "-m", "attrbank", *arguments, "--bank", f"{folder}/bank"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603 — our own command line
        return time.perf_counter() - started


@torch.no_grad()
def measure() -> list[Bar]:
    """All bars, in the order of the README."""
    backbone, judge = load_plugins().backbone("portraits"), oracle.load("judge")
    followed, by_attribute = follows_prompts(backbone, judge)
    typer.echo(json.dumps(by_attribute), err=True)
    size, drawn = megabytes(), read_rightly(judge)
    decoded = read_rightly(judge, lambda images: backbone.decode(backbone.encode(images)))
    image = seconds_per_image(backbone)
    learned = seconds_of("learn", "old", "--source", "a photo of a person", "--target", "a photo of an old person")
    applied = seconds_of("apply", "young", "smile")
    return [
        Bar("backbone and oracles, MB", "≤ 20", size, size <= 20),
        Bar("mentioned attributes present, 512 held-out prompts", "≥ .97", followed, followed >= 0.97),
        Bar("judge on held-out renders", "≥ .995", drawn, drawn >= 0.995),
        Bar("judge on renders through the autoencoder", "≥ .99", decoded, decoded >= 0.99),
        Bar("one image, 50 DDIM steps with guidance, s", "≤ 1.5", image, image <= 1.5),
        Bar("`attrbank learn` with 64 seeds, s", "≤ 120", learned, learned <= 120),
        Bar("`attrbank apply young smile`, cold, s", "≤ 15", applied, applied <= 15),
    ]


def table(bars: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: what was promised, and what was measured."""
    rows = [
        [bar["what"], bar["promised"], f"{bar['measured']:.3g}{'' if bar['kept'] else ' (missed)'}"] for bar in bars
    ]
    return markdown.table(["what", "promised", "measured"], rows)


def main(out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/bars.json")) -> None:
    """Measure all bars, write them as JSON and print them as Markdown."""
    bars = [asdict(bar) for bar in measure()]
    files.replace(out, f"{json.dumps(bars, indent=1, ensure_ascii=False)}\n".encode())
    typer.echo(table(bars))


if __name__ == "__main__":
    typer.run(main)
