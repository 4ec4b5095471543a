"""What the folders of Stable Diffusion 3 and Flux say alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.fingerprint import Traits, fingerprints
from attrbank.backbones.parts.folder import read_json, read_settings
from attrbank.backbones.parts.part_prints import part_prints
from attrbank.diffusion.flow import flow_schedule
from attrbank.diffusion.schedule import Spacing
from attrbank.errors import IncompatibleError


def facts_of(
    reference: str,
    path: Path,
    index: Mapping[str, Any],
    transformer: Mapping[str, Any],
    shape: tuple[int, int, int],
    *,
    patch: object,
    networks: Iterable[str],
    traits: Traits,
    spacing: Spacing,
    recommended: Mapping[str, Any],
) -> dict[str, Any]:
    """What a ``BackboneFolder`` says of a transformer that was trained for a rectified flow.

    Args:
        reference: how the user names the model.
        path: its folder.
        index: the contents of ``model_index.json``.
        transformer: the configuration of the network.
        shape: of its latents, (C, H, W).
        patch: the side of the squares of the latent that are one token each, as the configuration has it.
        networks: the parts that hold weights.
        traits: what counts for the fingerprint.
        spacing: of the timesteps.
        recommended: settings where ``attrbank.json`` names none.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: one is malformed, or the latents do not divide into patches.
    """
    _, height, width = shape
    if not isinstance(patch, int) or patch < 1 or height % patch or width % patch:
        raise IncompatibleError(f"Latents of {height}×{width} do not divide into patches of {patch}×{patch}.")
    scheduler, settings = read_json(path / "scheduler" / "scheduler_config.json"), read_settings(path, recommended)
    prints = fingerprints(path / "transformer", transformer, scheduler, traits)
    return {
        "name": settings.name or reference,
        "path": path,
        "weights": path / "transformer",
        "half": "bfloat16",
        "fingerprint": prints.now,
        "former_fingerprint": prints.former,
        "parts": part_prints(path, networks, index),
        "latent_shape": shape,
        "prediction_type": "flow",
        "schedule": flow_schedule(scheduler, height // patch * (width // patch), spacing),
        "defaults": settings.defaults,
        "words": settings.known_words,
    }
