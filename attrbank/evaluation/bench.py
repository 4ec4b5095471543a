"""The same people again and again: unedited, under another prompt, and with edits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attrbank.artifact import LearnedAttribute, decode
from attrbank.composition import Act, run_edits
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.schedule import nearest_alpha_bar_index, nearest_index
from attrbank.diffusion.trajectory import Position, Trajectory
from attrbank.evaluation.metrics import Pictures, look_at
from attrbank.evaluation.oracle import Oracle
from attrbank.plugin_manager import load_plugins
from attrbank.schema import Core
from attrbank.store.bank import Bank


class Bench:
    """Unedited pictures of some seeds, with every latent on the way, so that each edit costs only what follows it.

    Args:
        backbone: what generates.
        oracle: what looks at the pictures.
        prompt: of all pictures.
        seeds: one a picture.
        sampler: by name.
    """

    def __init__(
        self, backbone: Backbone, oracle: Oracle, prompt: str, seeds: Sequence[int], sampler: str = "ddim"
    ) -> None:
        self.backbone, self.oracle, self.prompt, self.seeds = backbone, oracle, prompt, tuple(seeds)
        rule, defaults = load_plugins().sampler(sampler), backbone.defaults
        grid = rule.grid(defaults.steps, backbone.schedule)
        self.trajectory = Trajectory(backbone, rule, grid=grid, guidance_scale=defaults.guidance_scale, batch_size=32)
        self.way: list[Position] = [self.trajectory.start(self.seeds)]
        self.trajectory.run(self.way[0], backbone.encode_prompts([prompt]), on_step=self.way.append)
        self.before = self.look(self.way[-1].latent)

    def images(self, latents: Tensor) -> Tensor:
        """Pictures (B, 3, h, w) of clean latents (B, C, H, W)."""
        with torch.no_grad():
            return torch.cat([self.backbone.decode(part) for part in torch.split(latents, 32)])

    def look(self, latents: Tensor) -> Pictures:
        """What the oracle sees in them."""
        return look_at(self.oracle, self.images(latents))

    def switched(self, target: str, fraction: float) -> Tensor:
        """Clean latents when the prompt becomes ``target`` at a time fraction; 1 is the target prompt throughout."""
        index = nearest_index(self.trajectory.grid, self.backbone.schedule, fraction) if fraction < 1 else 0
        conditioning = self.backbone.encode_prompts([target])
        return self.trajectory.run(self.way[index].branched(), conditioning).latent

    def act(self, attribute: LearnedAttribute, strength: float, core: Core | None = None) -> Act:
        """The edit that ``apply`` would make."""
        record = attribute.record
        edit = load_plugins().method(record.method).edit(record, attribute.tensors, core)
        grid, schedule = self.trajectory.grid, self.backbone.schedule
        return Act(nearest_alpha_bar_index(grid, schedule, record.resolved.alpha_bar_x), edit, strength)

    def edited(self, acts: Sequence[Act]) -> Tensor:
        """Clean latents with these edits."""
        start = self.way[min(act.index for act in acts)]
        return run_edits(self.trajectory, self.prompt, self.seeds, acts, with_before=False, start=start).after


def stored(bank: Bank, name: str) -> LearnedAttribute:
    """An attribute of a bank, tensors and all."""
    return decode(bank.read(bank.resolve(name)))
