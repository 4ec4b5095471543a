"""Whether a model does what it is told: ``python -m lab.avatars.fidelity OUT``.

Prompts are captions of scenes of held-out figures, so that they ask for what goes together in the data.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from attrbank_avatars.eyes import SceneRead, load
from attrbank_avatars.truth import PICTURE
from PIL import Image

from lab.avatars.captions import Description, describe
from lab.avatars.cutouts import Cutouts, draw_bank
from lab.avatars.sample import draw, load_pipeline
from lab.avatars.scenes import draw_scenes
from lab.avatars.train import HELD_OUT, HELD_OUT_SEED
from lab.avatars.truth import about_people, about_picture

PROMPTS_SEED, AT_ONCE = 30_000, 8


def draw_prompts(cutouts: Cutouts, count: int) -> list[Description]:
    """``count`` captions that say something of one figure, and as many of two."""
    rng = random.Random(PROMPTS_SEED)  # noqa: S311 — captions, not secrets
    found: dict[str, list[Description]] = {people: [] for people in PICTURE["people"]}
    for scene in draw_scenes(cutouts, 5 * count + 50, PROMPTS_SEED):
        description = describe(about_picture(scene, cutouts.figures), about_people(scene, cutouts.figures), rng)
        if any(description.people):
            found[description.picture["people"]].append(description)
    return [description for some in found.values() for description in some[:count]]


def checks(description: Description, read: SceneRead) -> Iterator[tuple[str, bool]]:
    """Each thing that a caption says, and whether it is there; a person who is missing has nothing."""
    for name, value in description.picture.items():
        yield name, read.picture[name] == value
    for number, person in enumerate(description.people):
        for name, value in person.items():
            yield name, number < len(read.people) and read.shows(number, name, value)


def as_tensor(pictures: Sequence[Image.Image]) -> torch.Tensor:
    """Pictures as (N, 3, h, w) in [0, 1]."""
    return torch.stack([torch.from_numpy(np.array(picture)).permute(2, 0, 1) for picture in pictures]).float() / 255


def main(
    out: Annotated[Path, typer.Argument(help="The folder of lab.avatars.train, with model/ and judge.safetensors.")],
    prompts: Annotated[int, typer.Option(help="For one figure, and as many for two.")] = 96,
    steps: int = 25,
    guidance: float = 3.0,
) -> None:
    """Print the share of what prompts say that is there, by number of people and by what is said."""
    torch.set_num_threads(1)
    asked = draw_prompts(draw_bank(out / "cutouts", HELD_OUT, HELD_OUT_SEED), prompts)
    pipeline, pictures = load_pipeline(out / "model"), list[Image.Image]()
    for start in range(0, len(asked), AT_ONCE):
        texts = [description.text for description in asked[start : start + AT_ONCE]]
        seeds = range(PROMPTS_SEED + start, PROMPTS_SEED + start + len(texts))
        pictures += draw(pipeline, texts, seeds, steps, guidance)
    found: dict[str, list[bool]] = defaultdict(list)
    for description, read in zip(asked, load("judge", out).read(as_tensor(pictures)), strict=True):
        for name, right in checks(description, read):
            found[f"{description.picture['people']}: all"].append(right)
            found[f"{description.picture['people']}: {name}"].append(right)
    for name, rights in sorted(found.items()):
        typer.echo(f"{name:20} {sum(rights) / len(rights):.3f} of {len(rights)}")


if __name__ == "__main__":
    typer.run(main)
