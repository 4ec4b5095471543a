"""The same people again and again: unedited, under another prompt, and with edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.features import FeatureMap
from attrbank.diffusion.finite import DECODED, finite
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone, Conditioning, Prediction
from attrbank.diffusion.schedule import nearest_index
from attrbank.diffusion.towards import predict_towards
from attrbank.diffusion.trajectory import Trajectory, clean_under
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.contradiction import without
from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench.shared_runs import Cost, SharedRuns
from attrbank.methods.inputs import Beside
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import PromptPair
from attrbank.schema.choices import Core

BATCH = 32

T = TypeVar("T")


class Bench:
    """Pictures of some seeds under one prompt, with every latent on the way, so that an edit costs what follows it.

    Args:
        backbone: what generates.
        prompt: of the unedited pictures.
        seeds: one a picture.
        sampler, steps, guidance_scale: None is the backbone's own.

    Attributes:
        runs: unedited latents under this and other prompts.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompt: str,
        seeds: Sequence[int],
        *,
        sampler: str | None = None,
        steps: int | None = None,
        guidance_scale: float | None = None,
    ) -> None:
        defaults = backbone.defaults
        rule = load_plugins().sampler(sampler or defaults.sampler)
        scale = defaults.guidance_scale if guidance_scale is None else guidance_scale
        grid = rule.grid(steps or defaults.steps, backbone.schedule)
        trajectory = Trajectory(backbone, rule, grid=grid, guidance_scale=scale, batch_size=BATCH)
        self.prompt, self.runs = prompt, SharedRuns(trajectory, seeds)

    @property
    def trajectory(self) -> Trajectory:
        """The sampler's walk under the bench's settings, shared by all runs."""
        return self.runs.trajectory

    @property
    def backbone(self) -> Backbone:
        """The model that makes the pictures."""
        return self.trajectory.backbone

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the pictures, in the order of their rows."""
        return self.runs.seeds

    @property
    def unedited(self) -> Tensor:
        """The unedited pictures' clean latents (B, C, H, W)."""
        return self.runs.at(self.prompt, self.trajectory.end).latent

    def only(self, rows: Tensor) -> Bench:
        """Some of the pictures, given as (B,) bool."""
        part = object.__new__(Bench)
        part.prompt, part.runs = self.prompt, self.runs.only(rows)
        return part

    def images(self, latents: Tensor) -> Tensor:
        """Pictures (B, 3, h, w) of clean latents (B, C, H, W)."""
        with torch.no_grad():
            pictures = torch.cat([self.backbone.decode(part) for part in torch.split(latents, BATCH)])
        return finite(pictures, DECODED)

    def index_of(self, fraction: float) -> int:
        """The grid index that a time fraction means."""
        return nearest_index(self.trajectory.grid, self.backbone.schedule, fraction)

    def under(self, conditioning: Conditioning) -> Tensor:
        """Clean latents of the same noise under another conditioning throughout."""
        return self.trajectory.run(self.runs.at(self.prompt, 0), conditioning).latent

    def switched(self, target: str, fraction: float) -> Tensor:
        """Clean latents when the prompt becomes ``target`` at a time fraction; 1 is the target prompt throughout."""
        if fraction >= 1:
            return self.runs.at(target, self.trajectory.end).latent
        start = self.runs.at(self.prompt, self.index_of(fraction))
        return self.trajectory.run(start.branched(), self.runs.conditioning(target)).latent

    def act(self, attribute: LearnedAttribute, strength: float, core: Core | None = None, *, raw: bool = False) -> Act:
        """The edit that ``apply`` would make."""
        return ready(attribute, strength, core, raw=raw).on(self.trajectory.grid, self.backbone.schedule)

    def change(self, act: Act, scale: float = 1.0) -> Tensor:
        """What an edit changes where it acts, (B, C, H, W): in the unedited latents, or in a multiple of them.

        Of which the clean latents are taken for the same multiple.

        Raises:
            InvalidValueError: it acts on the way, through the model or little by little.
        """
        edit = act.at_once
        if edit is None:
            raise InvalidValueError("An edit that acts on the way makes no one change of a latent.")
        start = self.runs.at(self.prompt, act.index)
        latent = scale * start.latent
        return edit(latent, _SharedInputs(self, start, scale), act.strength) - latent

    def edited(self, acts: Sequence[Act]) -> Tensor:
        """Clean latents with these edits."""
        start = self.runs.at(self.prompt, min(act.index for act in acts))
        edit = acts[0].at_once
        if len(acts) > 1 or edit is None:
            return run_edits(self.trajectory, self.prompt, self.seeds, acts, with_before=False, start=start).after
        latent = edit(start.latent, _SharedInputs(self, start), acts[0].strength)
        if torch.equal(latent, start.latent):  # no edit: a sampler that remembers its steps is not to forget them
            return self.unedited
        prompt = without(self.prompt, acts[0].opposed)
        return self.trajectory.run(start.edited(latent), self.runs.conditioning(prompt)).latent

    def measured(self, work: Callable[[], T]) -> tuple[T, Cost]:
        """What ``work`` gives, and what it would have cost alone, for all pictures together."""
        return self.runs.measured(work)


class _SharedInputs:
    """What an edit that acts once may ask for (``EditInputs``), shared between edits."""

    turn = 0

    def __init__(self, bench: Bench, start: Position, scale: float = 1.0) -> None:
        self.alpha_bar = bench.trajectory.alpha_bar(start.index)
        self.memory: dict[str, Tensor] = {}
        self._bench, self._start, self._scale = bench, start, scale
        self._conditioning = bench.runs.conditioning(bench.prompt)

    def clean(self) -> Tensor:
        return self._scale * self._bench.runs.clean(self._bench.prompt, self._start.index)

    def predict(self, x: Tensor) -> Prediction:
        return self._bench.trajectory.predict(self._start.edited(x), self._conditioning)

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        return self._bench.trajectory.pull_back(self._start.edited(x), self._conditioning, cotangent)

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        return self._bench.trajectory.push_forward(self._start.edited(x), self._conditioning, tangent)

    def features(self, prompt: str) -> FeatureMap:
        return FeatureMap(self._bench.trajectory, self._start.index, self._bench.runs.conditioning(prompt))

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return clean_under(self._bench.trajectory, self._start.edited(x), prompts)

    def beside(self) -> Beside:
        return Beside(self._start.latent, self.predict(self._start.latent))

    def gone(self) -> Tensor:
        return torch.zeros_like(self._start.latent)

    def towards(self, x: Tensor, pair: PromptPair) -> Prediction:
        return predict_towards(
            self._bench.trajectory, self._start.edited(x), self._bench.prompt, pair.source, pair.target
        )

    def latent(self, prompt: str, fraction: float | None) -> Tensor:
        index = self._start.index if fraction is None else self._bench.index_of(max(0.0, fraction))
        return self._bench.runs.at(prompt, index).latent

    def clean_latent(self, prompt: str, fraction: float) -> Tensor:
        return self._bench.runs.clean(prompt, self._bench.index_of(max(0.0, fraction)))
