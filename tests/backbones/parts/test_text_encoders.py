"""What a model makes of prompts must be numbers; what it leaves aside need not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.backbones.families import load
from attrbank.errors import NumericError

PROMPT = "a photo of a smiling woman"


def poison(encoder: Any, ending: str) -> None:
    """Make NaN of the last of the encoder's weights whose name ends so."""
    named = [weight for name, weight in encoder._network.named_parameters() if name.endswith(ending)]
    named[-1][:] = torch.nan


@pytest.mark.parametrize(
    ("model", "encoder", "ending", "part"),
    [
        ("tiny_pipeline", "_text_encoder", "final_layer_norm.bias", "text_encoder"),
        ("tiny_pipeline_xl", "_text_encoder", "position_embedding.weight", "text_encoder"),
        ("tiny_pipeline_xl", "_text_encoder_2", "position_embedding.weight", "text_encoder_2"),
        ("tiny_pipeline_xl", "_text_encoder_2", "text_projection.weight", "text_encoder_2"),
        ("tiny_sd3", "_clip", "text_projection.weight", "text_encoder"),
        ("tiny_sd3", "_clip_2", "position_embedding.weight", "text_encoder_2"),
        ("tiny_sd3", "_t5", "final_layer_norm.weight", "text_encoder_3"),
        ("tiny_flux", "_clip", "final_layer_norm.bias", "text_encoder"),
        ("tiny_flux", "_t5", "final_layer_norm.weight", "text_encoder_2"),
    ],
)
def test_an_encoder_that_makes_no_numbers_is_named(
    model: str, encoder: str, ending: str, part: str, request: pytest.FixtureRequest
) -> None:
    backbone = load(str(request.getfixturevalue(model)))
    poison(getattr(backbone, encoder), ending)
    with pytest.raises(NumericError, match=f"the {part} made holds NaN"):
        backbone.encode_prompts([PROMPT])


def test_a_last_layer_that_the_model_leaves_aside_stops_no_run(tiny_pipeline_xl: Path) -> None:
    """As where half precision overflows there: the model reads the last but one."""
    backbone = load(str(tiny_pipeline_xl))
    expected = backbone.encode_prompts([PROMPT])
    poison(backbone._text_encoder, "final_layer_norm.bias")
    poison(backbone._text_encoder, "mlp.fc2.bias")
    found = backbone.encode_prompts([PROMPT])
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("model", "looks"), [("tiny_pipeline", 1), ("tiny_pipeline_xl", 3), ("tiny_sd3", 5), ("tiny_flux", 2)]
)
def test_each_part_of_the_conditioning_is_looked_at_once(
    model: str, looks: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Every look waits for the accelerator."""
    backbone, looked, isfinite = load(str(request.getfixturevalue(model))), [], Tensor.isfinite
    monkeypatch.setattr(Tensor, "isfinite", lambda tensor: looked.append(tensor) or isfinite(tensor))
    backbone.encode_prompts([PROMPT])
    assert len(looked) == looks
