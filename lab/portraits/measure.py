"""Measure a trained model: ``python -m lab.portraits.measure --out DIR --oracles DIR``.

PSNR of its codec on held-out renders, seconds for a picture, and, if the judge and the detector have been trained:
which share of what held-out prompts mention is there, how far grades are off, and how many plain pictures are
damaged.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from diffusers import StableDiffusionPipeline
from torch import Tensor

from attrbank.backbones.portraits.palette import nearest_hair
from attrbank.backbones.portraits.parameters import GRADES, draw
from attrbank.backbones.portraits.render import render
from attrbank.backbones.portraits.visible import READ_KINDS, READ_NUMBERS
from attrbank.evaluation.judges.oracle import Damage, Oracle, Reading, build, restore
from lab.portraits.captions import Description, describe
from lab.portraits.codec import HELD_OUT, psnr
from lab.portraits.phrases import Phrase, Values, off, seen

PROMPTS_SEED, NOISE_SEED, TOLERANCE = 30_000, 30_000, 0.15
PLAIN = "a photo of a person"


class Fidelity(NamedTuple):
    """How far pictures show what their prompts say.

    Attributes:
        there: the share of phrases that are true of the picture, grades within ``TOLERANCE``.
        grades_off: how far outside of the range that was said grades are, on average.
        judged: how many phrases there were.
    """

    there: float
    grades_off: float
    judged: int


def prompts(count: int) -> list[Description]:
    """Held-out prompts that mention something."""
    rng = random.Random(PROMPTS_SEED)  # noqa: S311 — captions, not secrets
    found = [describe(values, rng) for values in seen(draw(2 * count, PROMPTS_SEED))]
    return [description for description in found if judgeable(description)][:count]


def judgeable(description: Description) -> list[Phrase]:
    """The phrases of a caption that a picture can contradict; how grey hair once was, it does not show."""
    return [phrase for phrase in description.phrases if phrase.ranges and "greyness" not in phrase.ranges]


def values_of(reading: Reading) -> list[Values]:
    """What an oracle has read, as phrases see it."""
    numbers = dict(zip(READ_NUMBERS, reading.numbers.T.tolist(), strict=True))
    kinds = {name: reading.kind(name).tolist() for name in READ_KINDS}
    hair = {"hair_named": nearest_hair(reading.numbers[:, -3:]).tolist()}
    columns = {**numbers, **kinds, **hair}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def fidelity(reading: Reading, descriptions: Sequence[Description]) -> Fidelity:
    """Compare what is read with what was said."""
    there, grades = [], []
    for values, description in zip(values_of(reading), descriptions, strict=True):
        for phrase in judgeable(description):
            there.append(off(phrase, values) <= TOLERANCE)
            grades += [
                off(Phrase(phrase.text, {name: span}), values) for name, span in phrase.ranges.items() if name in GRADES
            ]
    return Fidelity(sum(there) / max(1, len(there)), sum(grades) / max(1, len(grades)), len(there))


def generate(pipeline: StableDiffusionPipeline, texts: Sequence[str], steps: int, guidance: float) -> Tensor:
    """Pictures (N, 3, 128, 128) in [0, 1], picture n from the noise of seed ``NOISE_SEED`` + n."""
    parts = []
    at_once = 128 if pipeline.device.type == "cuda" else 16
    for start in range(0, len(texts), at_once):
        chosen = list(texts[start : start + at_once])
        noise = [torch.Generator().manual_seed(NOISE_SEED + start + n) for n in range(len(chosen))]
        options = {"num_inference_steps": steps, "guidance_scale": guidance, "output_type": "pt"}
        parts.append(pipeline(chosen, generator=noise, height=128, width=128, **options).images)
    return torch.cat(parts).float().cpu()


def main(
    out: Annotated[Path, typer.Option(help="Where train wrote model/.")],
    oracles: Annotated[Path | None, typer.Option(help="Where train_oracle wrote judge and damage.")] = None,
    count: Annotated[int, typer.Option(help="Held-out prompts.")] = 512,
    steps: Annotated[int, typer.Option(help="DDIM steps.")] = 50,
    guidance: Annotated[float, typer.Option(help="Guidance scale.")] = 3.0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads of torch; all cores if not given.")] = None,
) -> None:
    """Say how good the model is, one figure a line."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    pipeline = StableDiffusionPipeline.from_pretrained(out / "model", torch_dtype=torch.float32).to(device)
    pipeline.set_progress_bar_config(disable=True)
    held_out = render(draw(count, HELD_OUT))
    typer.echo(f"codec: {psnr(pipeline.vae, held_out):.2f} dB on {count} held-out renders")
    began = time.monotonic()
    generate(pipeline, [PLAIN], steps, guidance)
    typer.echo(f"seconds: {time.monotonic() - began:.2f} for one picture in {steps} steps")
    if oracles is None:
        return
    judge, detector = build("judge"), Damage()
    restore(judge, oracles / "judge.safetensors")
    restore(detector, oracles / "damage.safetensors")
    said = prompts(count)
    shown = generate(pipeline, [description.text for description in said], steps, guidance)
    _say(judge, said, shown)
    plain = generate(pipeline, [PLAIN] * count, steps, guidance)
    share = detector.sees(plain).float().mean()
    typer.echo(f"damage: {share:.3f} of {count} plain pictures")


def _say(judge: Oracle, said: Sequence[Description], shown: Tensor) -> None:
    found = fidelity(judge.read(shown), said)
    typer.echo(f"fidelity: {found.there:.3f} of {found.judged} phrases, grades off by {found.grades_off:.3f}")


if __name__ == "__main__":
    typer.run(main)
