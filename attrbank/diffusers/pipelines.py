"""What an attribute must know of a loaded pipeline to tell whether it fits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from attrbank.backbones.parts.fingerprint import Fingerprints
from attrbank.backbones.stable_diffusion.loaded import fingerprints_of_loaded
from attrbank.editing.guest import Host
from attrbank.errors import IncompatibleError

XL = "stable_diffusion_xl"
"""The family whose UNet is told the picture's sizes as well."""


def refuse_withheld(given: Collection[str], wanted: Sequence[str]) -> None:
    """Do nothing if a pipeline hands over all that a callback has asked for.

    Raises:
        IncompatibleError: it does not, as where a function of the user's stands between them.
    """
    withheld = [name for name in wanted if name not in given]
    if withheld:
        raise IncompatibleError(
            f"The pipeline does not hand over {' and '.join(withheld)}, which the attributes need.",
            hint="Give it callback_on_step_end_tensor_inputs=callback.tensor_inputs.",
        )


def refuse_packed(latents: Tensor) -> None:
    """Do nothing if the latents are pictures, (B, C, H, W).

    Raises:
        IncompatibleError: they are sequences, as Flux has them.
    """
    if latents.dim() != 4:
        raise IncompatibleError(
            f"This pipeline packs its latents into the shape {tuple(latents.shape)}; attributes need "
            "(batch, channels, height, width).",
            hint="Pipelines of Stable Diffusion's kind have such latents.",
        )


def fingerprints_of(pipeline: Any) -> Fingerprints | None:
    """Those of the UNet as it is now; None if its weights are too coarse, or out of reach. Reads all of them.

    Raises:
        IncompatibleError: the model is not a UNet.
    """
    unet = _unet(pipeline)
    weights = _weights(unet)
    configs = unet.config, pipeline.scheduler.config
    return fingerprints_of_loaded(weights, *configs, named=partial(_named, weights))


def model_of(pipeline: Any, latents: Tensor, prints: Fingerprints) -> Host:
    """The model of a pipeline, with the shape of the latents that it is about to denoise.

    Args:
        pipeline: of diffusers, with a ``unet`` and a ``scheduler``.
        latents: (B, C, H, W).
        prints: the UNet's.

    Raises:
        IncompatibleError: the model is not a UNet.
    """
    channels, height, width = latents.shape[1:]
    return Host(
        name="this pipeline",
        fingerprint=prints.now,
        former_fingerprint=prints.former,
        latent_shape=(channels, height, width),
        prediction_type=pipeline.scheduler.config.get("prediction_type", "epsilon"),
        family=_family(_unet(pipeline).config),
    )


def _unet(pipeline: Any) -> Any:
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        raise IncompatibleError(f"{type(pipeline).__name__} has no UNet, which attributes are learned on.")
    return getattr(unet, "_orig_mod", unet)  # of a compiled one


def _family(unet_config: Any) -> str:
    """By what the UNet is told beside prompt and time, whatever pipeline it runs in."""
    is_xl = unet_config.get("addition_embed_type") == "text_time"
    return XL if is_xl else "stable_diffusion"


def _weights(unet: Any) -> dict[str, Tensor]:
    """All, by name; those that wait in main memory or on disk for their turn are fetched from there."""
    weights: dict[str, Tensor] = dict(unet.state_dict())
    for prefix, module in unet.named_modules():
        waiting = getattr(getattr(module, "_hf_hook", None), "weights_map", None)
        for name, tensor in module.named_parameters(prefix, recurse=False):
            if tensor.is_meta and waiting is not None:
                weights[name] = waiting[name.removeprefix(prefix).removeprefix(".")]
    return weights


def _named(weights: Mapping[str, Tensor], name: str) -> str:
    """What the UNet calls a tensor; PEFT calls those of a layer that it adapts otherwise."""
    layer, _, kind = name.rpartition(".")
    return name if name in weights else f"{layer}.base_layer.{kind}"
