"""Whether an attribute from outside can act at all: tried once on noise, before a bank takes it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.protocols import Prediction
from attrbank.errors import AttrbankError, CorruptArtifactError, NotFoundError
from attrbank.methods.inputs import Beside
from attrbank.methods.protocol import LASTING, Method
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import PromptPair
from attrbank.schema.choices import Core

LARGEST_LATENT = 2**24
"""Numbers in the largest latent on which an edit is tried; no model here has a sixteenth of it."""


class _NoiseOfFeatures:
    """``Features`` of no network: what comes back of anything is noise."""

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        return torch.randn(x.shape, generator=torch.Generator().manual_seed(0))

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        return tangent


class _Noise:
    """What an edit may ask for (``EditInputs``): noise, in answer to everything."""

    turn = 0

    def __init__(self, shape: tuple[int, ...], alpha_bar: float) -> None:
        self.alpha_bar = alpha_bar
        self.memory: dict[str, Tensor] = {}
        self._shape, self._generator = shape, torch.Generator().manual_seed(0)

    def draw(self) -> Tensor:
        """Standard normal numbers, (1, C, H, W)."""
        return torch.randn(self._shape, generator=self._generator)

    def clean(self) -> Tensor:
        return self.draw()

    def predict(self, x: Tensor) -> Prediction:
        return Prediction(x, x)

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        return cotangent

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        return tangent

    def features(self, prompt: str) -> _NoiseOfFeatures:
        return _NoiseOfFeatures()

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return torch.stack([self.draw() for _ in prompts])

    def beside(self) -> Beside:
        return Beside(self.draw(), Prediction(self.draw(), self.draw()))

    def gone(self) -> Tensor:
        return self.draw()

    def towards(self, x: Tensor, pair: PromptPair) -> Prediction:
        return Prediction(x, self.draw())

    def latent(self, prompt: str, fraction: float | None) -> Tensor:
        return self.draw()

    def clean_latent(self, prompt: str, fraction: float) -> Tensor:
        return self.draw()


def require_usable(attribute: LearnedAttribute) -> None:
    """Do nothing if the method of an attribute can use it, with every core that it offers, or is not installed.

    Raises:
        CorruptArtifactError: it cannot.
        AttrbankError: as the method itself has it.
    """
    record = attribute.record
    try:
        method = load_plugins().method_of(record)
    except NotFoundError:  # who installs it later is told then
        return
    try:
        for core in method.cores(record) or (None,):
            _try(attribute, method, core)
    except AttrbankError:
        raise
    except Exception as error:  # whatever tensors of the wrong shape make a method raise
        reason = str(error).partition("\n")[0]
        raise CorruptArtifactError(f"The method {method.name!r} cannot use {record.name}: {reason}.") from error


def _try(attribute: LearnedAttribute, method: Method, core: Core | None) -> None:
    record, shape = attribute.record, (1, *attribute.record.backbone.latent_shape)
    edit = method.edit(record, attribute.tensors, core)
    if isinstance(edit, LASTING):
        return  # it acts through the model, which is not here
    if math.prod(shape) > LARGEST_LATENT:
        raise CorruptArtifactError(f"{record.name} is of latents of {'×'.join(map(str, shape[1:]))}, larger than any.")
    inputs = _Noise(shape, record.resolved.alpha_bar_x)
    with torch.no_grad():
        edited = edit(inputs.draw(), inputs, 1.0)
    if tuple(edited.shape) != shape or not bool(edited.isfinite().all()):
        raise CorruptArtifactError(f"The method {method.name!r} makes no latent of {record.name}.")
