"""A plugin that brings a model, the judge that knows the truth of it, and another judge for any model.

It is the example for whoever brings both: nothing in it derives from attrbank, and nothing needs weights.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tests.helpers.fake_distributions import install

HOOKS = """
from attrbank.plugin import Spec, hookimpl

@hookimpl
def register_backbones(register):
    made, judge = "attrbank_toy_model:Toy", "attrbank_toy_judges:Truth"
    register(Spec("toy", "Every prompt has a mean picture.", target=made, judge=judge))

@hookimpl
def register_judges(register):
    register(Spec("brightness", "Whether pictures are brighter.", target="attrbank_toy_judges:Brightness"))
"""

MODEL = '''
"""Latents are the colours of 8x8 places, with Gaussian variation around the mean of the prompt."""

import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from attrbank.plugin import Defaults, Schedule, from_epsilon

PROMPTS = ("", "a photo of a person", "a photo of an old person", "a photo of a hat")


class Toy:
    name, fingerprint, latent_shape, prediction_type = "toy", "0123456789abcdef", (3, 8, 8), "epsilon"
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
    defaults = Defaults(steps=8, guidance_scale=1.0, prompt=PROMPTS[1])
    words = None

    def __init__(self, source="toy"):
        self.evaluated = 0

    def unknown_words(self, prompt):
        return []

    def encode_prompts(self, prompts):
        return {"mean": torch.stack([self.mean(prompt) for prompt in prompts])}

    def mean(self, prompt):
        generator = torch.Generator().manual_seed(PROMPTS.index(prompt) if prompt in PROMPTS else 9)
        return torch.randn(self.latent_shape, generator=generator)

    def predict(self, latent, timestep, conditioning):
        self.evaluated += len(latent)
        alpha_bar = self.schedule.alpha_bar(timestep)
        variance = alpha_bar * 0.25 + 1 - alpha_bar
        eps = (1 - alpha_bar) ** 0.5 * (latent - alpha_bar**0.5 * conditioning["mean"]) / variance
        return from_epsilon(latent, eps, alpha_bar)

    def decode(self, latent):
        return interpolate(torch.sigmoid(latent), scale_factor=4)

    def encode(self, images):
        return torch.logit(adaptive_avg_pool2d(images, self.latent_shape[1:]), eps=1e-4)
'''

JUDGES = '''
"""One knows where the means of the toy's prompts lie; the other knows light from dark."""


class Truth:
    name, weights = "truth", "none"
    goals = {"old": "a photo of an old person", "hat": "a photo of a hat"}

    def __init__(self, case):
        self.model, self.source, self.split = case.backbone, case.backbone.mean(case.prompt), case.split

    def look(self, images):
        return self.model.encode(images)

    def effect(self, subject, view):
        """The way from the source's mean, of which the target's mean is 1, beyond a half."""
        way = self.model.mean(self.goals[subject.goal]) - self.source
        return ((view - self.source) * way).sum((1, 2, 3)) / way.square().sum() - 0.5

    def figures(self, subject, before, after):
        return {"damage": after.abs().amax((1, 2, 3)) > 4, "perceptual": (after - before).square().mean((1, 2, 3))}

    def traits(self, subject, view):
        return view.mean((2, 3))

    def limit(self, subject):
        return {"success": 1.0, "damage": 0.0}


class Brightness:
    name, weights = "brightness", "none"

    def __init__(self, case):
        pass

    def look(self, images):
        return images.mean((1, 2, 3))

    def effect(self, subject, view):
        return view - 0.5
'''


def install_toy(folder: Path) -> Path:
    """Put the plugin into a folder on the path, and return the folder."""
    for name, code in (("model", MODEL), ("judges", JUDGES)):
        (folder / f"attrbank_toy_{name}.py").write_text(dedent(code), encoding="utf-8")
    return install(folder, "attrbank-toy", HOOKS)
