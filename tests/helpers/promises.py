"""What breaks the promises of a contract, and a model that breaks none."""

from __future__ import annotations

import torch

from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Defaults
from attrbank.diffusion.schedule import Schedule
from attrbank.plugin.contracts import Contract


def broken(contract: type[Contract], subject: object, **facts: object) -> set[str]:
    """The promises that ``subject`` breaks."""
    suite = type("Suite", (contract,), {"make": lambda self: subject, **facts})()
    return {outcome.promise for outcome in suite.outcomes() if outcome.error}


class Gaussian:
    """A sound backbone: standard normal data, whatever the prompt."""

    name, fingerprint, latent_shape, prediction_type = "gaussian", "0123456789abcdef", (4, 8, 8), "epsilon"
    schedule = Schedule.from_config({"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012})
    defaults, words = Defaults(), None

    def unknown_words(self, prompt):
        return []

    def encode_prompts(self, prompts):
        return {"length": torch.tensor([[float(len(prompt))] for prompt in prompts])}

    def predict(self, latent, timestep, conditioning):
        alpha_bar = self.schedule.alpha_bar(timestep)
        return from_epsilon(latent, (1 - alpha_bar) ** 0.5 * latent, alpha_bar)

    def encode(self, images):
        return torch.cat([images, images[:, :1]], dim=1)

    def decode(self, latent):
        return latent[:, :3].sigmoid()
