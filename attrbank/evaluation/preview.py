"""What a new attribute looks like: drawn once when it was learned, and kept beside it in the bank."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.finite import DECODED, finite
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import run_edits
from attrbank.errors import InvalidValueError
from attrbank.learning.run import Stored
from attrbank.methods.protocol import OnProgress, OnWarning, quiet, silent
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from attrbank.store.previews import MAX_PREVIEW

FIRST_SEED, PICTURES = 2000, 3
"""Fresh ones: 0–999 are for learning, 1000–1999 for tuning, those from 10000 for judging."""

STRENGTHS = (0.5, 1.0)
QUALITIES = (90, 75, 50)

LEAST_SEEN = 1 / 255
"""What no pixel of a picture in colours from 0 to 1 can show."""


def preview_kept(
    stored: Stored,
    bank: Path | str | None,
    on_progress: OnProgress = quiet,
    on_warning: OnWarning = silent,
) -> Path | None:
    """Draw what has just been learned, and tell where in the bank the picture is.

    Whatever goes wrong is a warning: the attribute is stored, and whoever reads an error would think that it is not.
    """
    try:
        picture = as_jpeg(draw_preview(stored.attribute, stored.backbone, on_progress, on_warning))
        return Bank.open(bank).previews.keep(stored.entry, picture)
    except Exception as error:
        on_warning(f"no preview could be drawn of {stored.entry.name}, which is stored: {error}")
        return None


def draw_preview(
    attribute: LearnedAttribute, backbone: Backbone, on_progress: OnProgress = quiet, on_warning: OnWarning = silent
) -> Image.Image:
    """A row for each of three fresh seeds: its picture without the attribute, with half of it, and with all of it.

    Args:
        attribute: learned from prompts, of which the first source is the pictures'.
        backbone: that it was learned on.
        on_progress: told of every step.
        on_warning: told where all of the attribute changes nothing that can be seen.

    Raises:
        InvalidValueError: it was learned from pictures, so that nobody knows whom to draw.
    """
    record = attribute.record
    if record.prompt is None:
        raise InvalidValueError(f"{record.name} was learned from pictures, so there is no prompt for its preview.")
    sampler = load_plugins().sampler(record.sampler)
    grid = sampler.grid(record.steps, backbone.schedule)
    trajectory = RememberingTrajectory(
        backbone, sampler, grid=grid, guidance_scale=record.guidance_scale, memory=Memory()
    )
    seeds = fresh_seeds(record.seeds)
    acts = [[ready(attribute, strength).on(grid, backbone.schedule)] for strength in STRENGTHS]
    on_step = _counter(on_progress, (1 + len(acts)) * len(grid))
    stacks = [
        _decoded(backbone, run_edits(trajectory, record.prompt, seeds, turns, with_before=False, on_step=on_step).after)
        for turns in ([], *acts)
    ]
    if bool((stacks[-1] - stacks[0]).abs().max() < LEAST_SEEN):
        on_warning(f"{record.name} changes nothing that can be seen in its preview, at strength 1")
    columns = [f"{record.name} {strength:g}" for strength in (0.0, *STRENGTHS)]
    return draw_grid(columns, stacks, gaps=(), labels=[f"seed {seed}" for seed in seeds])


def fresh_seeds(learned: tuple[int, ...]) -> tuple[int, ...]:
    """The first seeds from ``FIRST_SEED`` on that were not learned from."""
    return tuple(itertools.islice(_unlike(learned), PICTURES))


def as_jpeg(image: Image.Image) -> bytes:
    """A picture as a JPEG that a bank keeps: as good, and at last as large, as fits."""
    for quality in QUALITIES:
        encoded = io.BytesIO()
        image.save(encoded, format="JPEG", quality=quality, optimize=True)
        if encoded.tell() <= MAX_PREVIEW:
            return encoded.getvalue()
    return as_jpeg(image.reduce(2))


def _unlike(learned: tuple[int, ...]) -> Iterator[int]:
    return (seed for seed in itertools.count(FIRST_SEED) if seed not in set(learned))


def _decoded(backbone: Backbone, latents: Tensor) -> Tensor:
    """Pictures (B, 3, h, w), one at a time: large ones take much memory."""
    with torch.no_grad():
        pictures = torch.cat([backbone.decode(latent)[:, :3] for latent in torch.split(latents, 1)])
    return finite(pictures, DECODED)


def _counter(on_progress: OnProgress, total: int) -> Callable[[Position], None]:
    done = itertools.count(1)
    return lambda position: on_progress("drawing a preview", min(next(done), total), total)
