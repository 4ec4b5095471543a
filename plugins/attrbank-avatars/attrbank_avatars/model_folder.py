"""The model: a Stable Diffusion folder that comes with the package."""

from __future__ import annotations

from pathlib import Path

from attrbank.plugin import Backbone, Description, Placement, describe as describe_folder, load as load_folder

FOLDER = Path(__file__).parent / "model"


def load(reference: str, placement: Placement | None = None) -> Backbone:
    """The model, where it is to run; the reference is the backbone's name."""
    del reference
    return load_folder(str(FOLDER), placement)


def describe(reference: str) -> Description:
    """What plans need to know of it, without its networks."""
    del reference
    return describe_folder(str(FOLDER))
