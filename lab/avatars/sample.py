"""Pictures for prompts, as a sheet: ``python -m lab.avatars.sample MODEL SHEET.png``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import StableDiffusionPipeline
from PIL import Image

PROMPTS = (
    "a picture of a person",
    "a comic of a smiling man with glasses",
    "an icon of a woman with long red hair",
    "a comic of a man on the left and a woman with glasses on the right",
)


def load_pipeline(model: Path) -> StableDiffusionPipeline:
    """The model of a folder, silent."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        model, torch_dtype=torch.float32, local_files_only=True, safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: StableDiffusionPipeline, prompts: Sequence[str], seeds: Sequence[int], steps: int, guidance: float
) -> list[Image.Image]:
    """One picture for each prompt with its seed."""
    pictures: list[Image.Image] = pipeline(
        list(prompts),
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        height=128,
        width=128,
    ).images
    return pictures


def sample(model: Path, prompts: Sequence[str], seeds: Sequence[int], steps: int, guidance: float) -> list[Image.Image]:
    """One picture for each prompt and seed, the seeds of a prompt after each other."""
    pipeline, count = load_pipeline(model), len(seeds)
    return [picture for prompt in prompts for picture in draw(pipeline, [prompt] * count, seeds, steps, guidance)]


def lay_out(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Pictures in rows, two pixels apart."""
    side = pictures[0].width + 2
    sheet = Image.new("RGB", (columns * side, -(-len(pictures) // columns) * side), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % columns * side, number // columns * side))
    return sheet


def main(
    model: Annotated[Path, typer.Argument(help="A model in the format of diffusers.")],
    sheet: Annotated[Path, typer.Argument(help="The PNG to write.")],
    prompts: Annotated[list[str], typer.Option("--prompt", help="One for each row.")] = list(PROMPTS),  # noqa: B006
    seeds: int = 6,
    first_seed: int = 30_000,
    steps: int = 25,
    guidance: float = 3.0,
) -> None:
    """One row of pictures for each of a few prompts."""
    torch.set_num_threads(1)
    pictures = sample(model, prompts, range(first_seed, first_seed + seeds), steps, guidance)
    lay_out(pictures, seeds).save(sheet)


if __name__ == "__main__":
    typer.run(main)
