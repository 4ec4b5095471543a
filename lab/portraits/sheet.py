"""Draws graded people: ``python -m lab.portraits.sheet --out FILE``, by the renderer or, with --model, a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import StableDiffusionPipeline
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank.backbones.portraits.parameters import Portraits, draw
from attrbank.backbones.portraits.render import render
from attrbank.pictures.sheet import draw_grid
from lab.portraits.codec import HELD_OUT

PEOPLE, STEPS, POOL, FIRST_SEED = 8, 4, 400, 30_000
PROMPTS = (
    *("a girl", "a young woman", "a middle-aged woman", "a very old woman"),
    *("a sad man", "a serious man", "a smiling man", "a laughing man"),
    *("a man, clean shaven", "a man with stubble", "a man with a short beard", "a man with a long grey beard"),
    *("a bald person", "a person with short red hair", "a person with long blond hair", "a person in a red hat"),
)

_SWEEPS = {"age": (0.05, 1.0), "expression": (-1.0, 1.0), "beard": (0.0, 1.0), "hair_length": (0.0, 1.0)}


def people(count: int = PEOPLE) -> Portraits:
    """Held-out people, half of them masculine, without hats and sunglasses so that grades are seen."""
    drawn = draw(POOL, HELD_OUT)
    bare = (drawn.column("hat") == 0) & (drawn.column("glasses") != 3) & (drawn.column("beard") < 0.5)
    women, men = (bare & chosen for chosen in (drawn.column("build") < 0.4, drawn.column("build") > 0.6))
    rows = torch.stack([men.nonzero().flatten()[: count // 2], women.nonzero().flatten()[: count // 2]], dim=1)
    return drawn[rows.flatten()]


def sweeps(portraits: Portraits, steps: int = STEPS) -> dict[str, Tensor]:
    """Each person in ``steps`` grades of each attribute with nothing else changed.

    Shapes:
        returned: the columns' names to (N, 3, 128, 128) in [0, 1].
    """
    found = {}
    for name, (low, high) in _SWEEPS.items():
        for value in torch.linspace(low, high, steps).tolist():
            found[f"{name.replace('_', ' ')} {value:.2g}"] = render(portraits.having(name, value))
    return found


def drawn_by_model(folder: Path, seeds: range) -> dict[str, Tensor]:
    """What a model folder draws for prompts in grades, the same seeds under each.

    Shapes:
        returned: what is asked for to (len(seeds), 3, 128, 128) in [0, 1].
    """
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    found = {}
    for prompt in track(PROMPTS, "drawing", console=Console(stderr=True)):
        noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        options = {"num_inference_steps": 25, "guidance_scale": 3.0, "height": 128, "width": 128, "output_type": "pt"}
        found[prompt] = pipeline([f"a photo of {prompt}"] * len(seeds), generator=noise, **options).images
    return found


def main(
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("graded.png"),
    model: Annotated[Path | None, typer.Option(help="A model folder to draw with, from prompts in grades.")] = None,
    rows: Annotated[int, typer.Option(help="How many people.")] = PEOPLE,
) -> None:
    """People × graded age, expression, beard and hair length."""
    columns = drawn_by_model(model, range(FIRST_SEED, FIRST_SEED + rows)) if model else sweeps(people(rows))
    draw_grid(list(columns), list(columns.values()), gaps=set(range(STEPS, len(columns), STEPS))).save(out)
    typer.echo(out)


if __name__ == "__main__":
    typer.run(main)
