"""What ComfyUI hands to nodes, as far as they look at it: written from what its functions do, on a small network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from attrbank.plugin import NAMES_IN_CHECKPOINTS, Backbone

SCALE = 0.18215


class Sampling:
    """``model_sampling`` of a model of ε, or of v."""

    def __init__(self, alpha_bars: tuple[float, ...], kind: str = "epsilon") -> None:
        self.sigmas = torch.tensor([(1 / alpha_bar - 1) ** 0.5 for alpha_bar in alpha_bars])
        self.kind = kind

    def calculate_input(self, sigma: Tensor, noise: Tensor) -> Tensor:
        sigma = sigma.view(-1, 1, 1, 1)
        return noise if self.kind == "flow" else noise / (sigma**2 + 1) ** 0.5

    def calculate_denoised(self, sigma: Tensor, output: Tensor, model_input: Tensor) -> Tensor:
        sigma = sigma.view(-1, 1, 1, 1)
        if self.kind == "v_prediction":
            return model_input / (sigma**2 + 1) - output * sigma / (sigma**2 + 1) ** 0.5
        return model_input - output * sigma

    def timestep(self, sigma: Tensor) -> int:
        return int((self.sigmas.log() - sigma.flatten()[0].log()).abs().argmin())


class Format:
    """``latent_format``."""

    def process_in(self, latent: Tensor) -> Tensor:
        return latent * SCALE

    def process_out(self, latent: Tensor) -> Tensor:
        return latent / SCALE


class Condition:
    """A ``CONDRegular``."""

    def __init__(self, cond: Tensor) -> None:
        self.cond = cond

    def process_cond(self, batch_size: int, **_: Any) -> Condition:
        return Condition(self.cond.expand(batch_size, *self.cond.shape[1:]))


class Model(torch.nn.Module):
    """A ``BaseModel`` around the network of one of attrbank's own backbones."""

    def __init__(self, backbone: Any, unet_config: dict[str, Any], adm_channels: int = 0) -> None:
        super().__init__()
        self.backbone, self.adm_channels = backbone, adm_channels
        self.model_sampling, self.latent_format = Sampling(backbone.schedule.alphas_cumprod), Format()
        self.diffusion_model = backbone.unet
        self.model_config = SimpleNamespace(unet_config=unet_config)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Named as in checkpoint files, as far as anybody looks for a name."""
        theirs = {name: theirs.removeprefix("model.") for name, theirs in NAMES_IN_CHECKPOINTS.items()}
        weights = self.diffusion_model.state_dict()
        return {theirs.get(name, f"diffusion_model.{name}"): tensor for name, tensor in weights.items()}

    def apply_model(self, x: Tensor, t: Tensor, c_crossattn: Tensor, **_: Any) -> Tensor:
        scale = float(1 / (t.flatten()[0] ** 2 + 1) ** 0.5)
        return self.backbone.predict(x * scale, self.model_sampling.timestep(t), {"text": c_crossattn}).x0

    def extra_conds(self, **given: Any) -> dict[str, Condition]:
        return {"c_crossattn": Condition(given["cross_attn"])}


@dataclass
class Patcher:
    """A ``ModelPatcher``; its copies share the model, and copy all options as ComfyUI does."""

    model: Model
    model_options: dict[str, Any] = field(default_factory=lambda: {"transformer_options": {}})
    patches: dict[str, Any] = field(default_factory=dict)
    backup: dict[str, Any] = field(default_factory=dict)

    def clone(self) -> Patcher:
        return Patcher(self.model, copy.deepcopy(self.model_options), dict(self.patches), self.backup)

    def get_model_object(self, name: str) -> Any:
        return getattr(self.model, name)

    def set_model_sampler_post_cfg_function(self, function: Callable[..., Tensor]) -> None:
        self.model_options.setdefault("sampler_post_cfg_function", []).append(function)

    def set_model_unet_function_wrapper(self, function: Callable[..., Tensor]) -> None:
        self.model_options["model_function_wrapper"] = function


class Clip:
    """A ``CLIP``, which encodes as the backbone does."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone, self.asked = backbone, list[str]()

    def tokenize(self, text: str) -> str:
        return text

    def encode_from_tokens(self, tokens: str, return_pooled: bool = False) -> Any:
        self.asked.append(tokens)
        text = self.backbone.encode_prompts([tokens])["text"]
        return (text, None) if return_pooled else text


@dataclass
class Guider:
    """What calls a model in a sampler: guidance between two prompts, and the functions after it."""

    patcher: Patcher
    positive: Tensor
    negative: Tensor
    cfg: float
    sigmas: Tensor

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        options = {**self.patcher.model_options}
        options["transformer_options"] = {**options["transformer_options"], "sample_sigmas": self.sigmas}
        times = x.new_full((2 * len(x),), sigma)
        told = torch.cat([one.expand(len(x), -1, -1) for one in (self.positive, self.negative)])
        batch = {"c_crossattn": told, "transformer_options": options["transformer_options"]}
        wrapper, apply = options.get("model_function_wrapper"), self.patcher.model.apply_model
        given = {"input": x.repeat(2, 1, 1, 1), "timestep": times, "c": batch, "cond_or_uncond": [0, 1]}
        said = apply(given["input"], times, **batch) if wrapper is None else wrapper(apply, given)
        cond, uncond = said.chunk(2)
        clean = uncond + (cond - uncond) * self.cfg
        for function in options.get("sampler_post_cfg_function", []):
            clean = function(
                {
                    "denoised": clean,
                    "input": x,
                    "sigma": times[: len(x)],
                    "model": self.patcher.model,
                    "model_options": options,
                }
            )
        return clean


def euler(model: Guider, x: Tensor) -> Tensor:
    for sigma, following in pairwise(model.sigmas.tolist()):
        clean = model(x, sigma)
        x = x + (x - clean) / sigma * (following - sigma)
    return x


def heun(model: Guider, x: Tensor) -> Tensor:
    """Euler's step, corrected by the slope at its end (Karras et al., arXiv:2206.00364, algorithm 1)."""
    for sigma, following in pairwise(model.sigmas.tolist()):
        slope = (x - model(x, sigma)) / sigma
        moved = x + slope * (following - sigma)
        if following > 0:
            slope = (slope + (moved - model(moved, following)) / following) / 2
        x = x + slope * (following - sigma)
    return x


def dpmpp_2m(model: Guider, x: Tensor, between: Callable[[int, Tensor], Tensor] = lambda _, x: x) -> Tensor:
    """A sampler that remembers (Lu et al., arXiv:2211.01095, algorithm 2); ``between`` changes what a step is given."""
    grid, before, last_step = model.sigmas.tolist(), None, 0.0
    for index, (sigma, following) in enumerate(pairwise(grid)):
        x = between(index, x)
        clean = model(x, sigma)
        if following == 0:
            return clean
        step = math.log(sigma / following)
        ratio = last_step / step
        used = clean if before is None else (1 + 1 / (2 * ratio)) * clean - before / (2 * ratio)
        x = following / sigma * x + (1 - following / sigma) * used
        before, last_step = clean, step
    return x
