"""Measures what the project promises of its model: ``python -m lab.figures.bars`` (some minutes)."""

from __future__ import annotations

import json
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
from attrbank.backbones.portraits.parameters import GRADES, draw
from attrbank.backbones.portraits.render import render
from attrbank.backbones.sources import PORTRAITS
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.trajectory import Trajectory
from attrbank.evaluation.judges import oracle
from attrbank.evaluation.numbers.metrics import Psnr
from attrbank.plugins.manager import load_plugins
from lab import markdown
from lab.portraits.measure import PROMPTS_SEED, Fidelity, fidelity, prompts
from lab.portraits.train_oracle import accuracy, r_squared

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


def through(coded: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Images (N, 3, h, w) in [0, 1] after a round trip."""
    return torch.cat([coded(part) for part in torch.split(images, 32)])


def read_rightly(judge: oracle.Oracle, images: Tensor) -> tuple[float, float]:
    """Of held-out renders: the share of kinds and colours that the judge reads rightly, and the least r² of a grade."""
    people = draw(len(images), HELD_OUT)
    right, explained = accuracy(judge, people, images), r_squared(judge, people, images)
    return sum(right.values()) / len(right), min(explained[name] for name in GRADES)


def trajectory(backbone: Backbone, steps: int) -> Trajectory:
    """DDIM at the default guidance."""
    sampler = load_plugins().sampler("ddim")
    grid = sampler.grid(steps, backbone.schedule)
    return Trajectory(backbone, sampler, grid=grid, guidance_scale=backbone.defaults.guidance_scale, batch_size=32)


def follows_prompts(backbone: Backbone, judge: oracle.Oracle, count: int) -> Fidelity:
    """How far pictures of held-out seeds show what held-out prompts say."""
    said, run = prompts(count), trajectory(backbone, backbone.defaults.steps)
    start = run.start(range(PROMPTS_SEED, PROMPTS_SEED + len(said)))
    latents = run.run(start, backbone.encode_prompts([description.text for description in said])).latent
    images = torch.cat([backbone.decode(part) for part in torch.split(latents, 32)])
    return fidelity(judge.read(images), said)


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
def measure(count: int) -> list[Bar]:
    """All bars, in the order of the README.

    Args:
        count: prompts, and half of the renders.
    """
    backbone, judge = load_plugins().backbone("portraits"), oracle.load("judge")
    followed, size, drawn = follows_prompts(backbone, judge, count), megabytes(), render(draw(2 * count, HELD_OUT))
    decoded = through(lambda images: backbone.decode(backbone.encode(images)), drawn)
    (right, explained), (right_decoded, _) = read_rightly(judge, drawn), read_rightly(judge, decoded)
    decibels, image = Psnr()(drawn, decoded).mean().item(), seconds_per_image(backbone)
    learned = seconds_of("learn", "old", "--source", "a photo of a person", "--target", "a photo of an old person")
    applied = seconds_of("apply", "young", "smile")
    present = f"phrases of {count} held-out prompts that are there"
    return [
        Bar("backbone and oracles, MB", "≤ 20", size, size <= 20),
        Bar(present, "≥ .97", followed.there, followed.there >= 0.97),
        Bar("grades of them are off by", "≤ .15", followed.grades_off, followed.grades_off <= 0.15),
        Bar("judge on held-out renders, kinds and colours", "≥ .995", right, right >= 0.995),
        Bar("judge on held-out renders, least r² of a grade", "≥ .98", explained, explained >= 0.98),
        Bar("judge on renders through the autoencoder", "≥ .99", right_decoded, right_decoded >= 0.99),
        Bar("autoencoder on held-out renders, dB", "≥ 35", decibels, decibels >= 35),
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


def main(
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/bars.json"),
    count: Annotated[int, typer.Option(help="Held-out prompts, and half of the renders.")] = 512,
) -> None:
    """Measure all bars, write them as JSON and print them as Markdown."""
    bars = [asdict(bar) for bar in measure(count)]
    files.replace(out, f"{json.dumps(bars, indent=1, ensure_ascii=False)}\n".encode())
    typer.echo(table(bars))


if __name__ == "__main__":
    typer.run(main)
