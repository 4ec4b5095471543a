"""Whether a model in ComfyUI is the one that an attribute was learned on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from attrbank.plugin import (
    AttributeRecord,
    Fingerprints,
    Guest,
    Host,
    check_binding,
    fingerprints_of_loaded,
    forced_warning,
)
from attrbank_comfyui.space import Space

LOG = logging.getLogger("attrbank")

NETWORK = "diffusion_model."
"""What the tensors of the network that denoises begin with, in a model of ComfyUI."""

SCHEDULER = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
"""Of all of Stable Diffusion; ComfyUI keeps the settings of other schedules under its own names."""


def check(model: Any, space: Space, samples: Tensor, attributes: Sequence[Guest], *, force: bool = False) -> None:
    """Refuse attributes of another model; say in the log what could not be compared.

    A model with patches of its weights, such as a LoRA, is a relative of the one without.

    Args:
        model: a ``ModelPatcher``.
        space: of its latents.
        samples: that are to be edited, (B, C, H, W).
        attributes: that are to act.
        force: let them act on a relative of their model.

    Raises:
        IncompatibleError: one was learned on another model.
    """
    for attribute in attributes:
        record = attribute.record
        prints = fingerprints(model, space, record)
        if prints is None:
            LOG.warning("The weights of this checkpoint do not tell whether %s was learned on it.", record.name)
        known = prints or Fingerprints(record.backbone.fingerprint, record.backbone.fingerprint)
        channels, height, width = samples.shape[1:]
        shape = (channels, height, width)
        seen = Host("this checkpoint", known.now, known.former, shape, space.prediction_type, _family(model))
        if check_binding(record, seen, force=force):
            LOG.warning("%s.", forced_warning(record, seen))
        elif model.patches:
            LOG.warning("This checkpoint is patched, as by a LoRA; %s was learned without.", record.name)


def fingerprints(model: Any, space: Space, record: AttributeRecord) -> Fingerprints | None:
    """Those of a model without its patches; None if its weights or its configuration do not tell.

    Which size its configuration calls its own ComfyUI does not know: the attribute's, which is compared with the
    latents beside that.
    """
    configuration = _unet_config(model.model.model_config.unet_config, record.backbone.latent_shape[1])
    scheduler = {**SCHEDULER, "prediction_type": space.prediction_type}
    weights = _unpatched(model)
    return None if configuration is None else fingerprints_of_loaded(weights, configuration, scheduler)


def _family(model: Any) -> str:
    return "stable_diffusion_xl" if model.model.adm_channels else "stable_diffusion"


def _unpatched(model: Any) -> dict[str, Tensor]:
    """The weights of the network as they were loaded: what patches have changed is kept aside."""
    kept = {name: aside.weight for name, aside in model.backup.items()}
    weights = {**model.model.state_dict(), **kept}
    return {name.removeprefix(NETWORK): tensor for name, tensor in weights.items() if name.startswith(NETWORK)}


def _unet_config(theirs: Mapping[str, Any], size: int) -> dict[str, Any] | None:
    """What diffusers would have in ``unet/config.json``, of what counts; None for another kind of UNet."""
    try:
        widths = [theirs["model_channels"] * times for times in theirs["channel_mult"]]
        (layers,) = set(theirs["num_res_blocks"])
        depths = theirs["transformer_depth"]
        attends = [any(depths[level * layers : (level + 1) * layers]) for level in range(len(widths))]
        heads = theirs.get("num_head_channels", -1)
        return {
            "in_channels": theirs["in_channels"],
            "out_channels": theirs["out_channels"],
            "sample_size": size,
            "block_out_channels": widths,
            "layers_per_block": layers,
            "down_block_types": ["CrossAttnDownBlock2D" if level else "DownBlock2D" for level in attends],
            "up_block_types": ["CrossAttnUpBlock2D" if level else "UpBlock2D" for level in reversed(attends)],
            "cross_attention_dim": theirs["context_dim"],
            "attention_head_dim": theirs["num_heads"] if heads == -1 else [width // heads for width in widths],
        }
    except (KeyError, TypeError, ValueError):
        return None
