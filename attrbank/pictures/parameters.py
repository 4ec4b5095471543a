"""The text that other programs read in a PNG: ``parameters``, as AUTOMATIC1111's web UI writes and many show it.

It tells people; what repeats a picture is the recipe. Lines: the prompt, the negative prompt, and fields by commas, of
which those that hold a comma, a colon or a line break are quoted as JSON.
"""

from __future__ import annotations

import json

from attrbank.schema.carried import Recipe

KEY = "parameters"

_NAMES = {"ddim": "DDIM", "ddpm": "DDPM"}
"""What samplers are called there."""


def parameters_of(recipe: Recipe, size: tuple[int, int]) -> str:
    """How a picture was made, its attributes in the last field.

    Args:
        recipe: of the picture.
        size: width and height of the edited picture.
    """
    turns = (f"{turn.name}:{turn.strength:g}{f'@{turn.at}' if turn.at else ''}" for turn in recipe.steps_applied)
    fields = {
        "Steps": recipe.steps,
        "Sampler": _NAMES.get(recipe.sampler, recipe.sampler),
        "CFG scale": f"{recipe.guidance_scale:g}",
        "Seed": recipe.seed,
        "Size": f"{size[0]}x{size[1]}",
        "Model": recipe.backbone,
        "Attributes": ", ".join(turns),
    }
    against = [f"Negative prompt: {recipe.negative_prompt}"] if recipe.negative_prompt else []
    told = ", ".join(f"{name}: {_quoted(str(value))}" for name, value in fields.items())
    return "\n".join([recipe.prompt, *against, told])


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ",:\n") else value
