"""What a checkpoint file says of itself, which the configuration of another model cannot know."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.tensors import read_header
from attrbank.backbones.parts.weights import advice
from attrbank.errors import IncompatibleError
from attrbank.schema.tensor_file import METADATA

PREDICTION_TYPES = {"epsilon": "epsilon", "eps": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"}
"""What ``modelspec.prediction_type`` may say, in the words of diffusers."""


def scheduler_facts(checkpoint: Path) -> Mapping[str, Any]:
    """Keys of ``scheduler_config.json`` that the file itself settles.

    Empty tensors called ``v_pred`` and ``ztsnr`` say that it predicts v, and that its noisiest latents hold no signal;
    trainers may say the former in the header as well.

    Raises:
        IncompatibleError: the file cannot be read, or says that it predicts something else.
    """
    try:
        with checkpoint.open("rb") as file:
            fields, _ = read_header(file)
    except (OSError, ValueError, RecursionError, struct.error) as error:
        raise IncompatibleError(f"The weights in {checkpoint} cannot be read: {error}.", advice(checkpoint)) from error
    facts: dict[str, Any] = {}
    metadata = fields.get(METADATA)
    stated = metadata.get("modelspec.prediction_type") if isinstance(metadata, dict) else None
    if stated is not None:
        if stated not in PREDICTION_TYPES:
            raise IncompatibleError(f"{checkpoint} predicts {stated!a:.40}, which is not supported.")
        facts["prediction_type"] = PREDICTION_TYPES[stated]
    if "v_pred" in fields:
        facts["prediction_type"] = "v_prediction"
    if "ztsnr" in fields:
        facts["rescale_betas_zero_snr"] = True
    return facts
