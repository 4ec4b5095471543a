"""Run latents along a grid: start from seeds, stop anywhere, predict, edit, branch and go on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from attrbank.diffusion.attention import guided_call
from attrbank.diffusion.finite import finite
from attrbank.diffusion.forward_mode import kernels_for
from attrbank.diffusion.position import Position
from attrbank.diffusion.prediction import evaluations_per_step, guide, is_guided
from attrbank.diffusion.protocols import Backbone, Conditioning, Grid, Prediction, Sampler, guidance_of
from attrbank.diffusion.schedule import timestep_at
from attrbank.diffusion.steering import Guide, GuideInputs
from attrbank.errors import InvalidValueError, NumericError, PluginError

MOST_ROWS = 16
MOST_POSITIONS = MOST_ROWS * 32 * 32
"""Rows at once and positions at once: 16 latents of 32×32, 4 of 64×64, 1 of 128×128."""


@dataclass
class _Tally:
    """Counts rows, for all trajectories that share it."""

    rows: int = 0


class Trajectory:
    """Classifier-free guided sampling along one grid.

    Args:
        backbone: predicts the noise.
        sampler: takes the steps.
        grid: the (t, t_prev) pairs, from ``sampler.grid``.
        guidance_scale: s in u + s (c − u); 1 or less leaves out the unconditional prediction u. A backbone with
            embedded guidance is handed s instead.
        batch_size: rows of latents per call of the backbone, the fewer by default the larger they are; guidance
            doubles them.
        negative_prompt: of u; attributes are learned with the empty one.
    """

    def __init__(
        self,
        backbone: Backbone,
        sampler: Sampler,
        *,
        grid: Grid,
        guidance_scale: float,
        batch_size: int | None = None,
        negative_prompt: str = "",
    ) -> None:
        self.backbone = backbone
        self.sampler = sampler
        self.grid = grid
        self.guidance_scale = guidance_scale
        self.negative_prompt = negative_prompt
        self.batch_size = batch_size or _rows_for(backbone.latent_shape)
        self._conditionings: dict[str, Conditioning] = {}
        self._guides: tuple[Guide, ...] = ()
        self._answering: Trajectory | None = None
        self._tally = _Tally()

    def through(self, backbone: Backbone) -> Trajectory:
        """The same run on another backbone, such as this one with other weights; evaluations are counted together."""
        other = copy.copy(self)
        other.backbone, other._conditionings = backbone, {}
        return other

    def steered(self, guides: Sequence[Guide], answering: Trajectory | None = None) -> Trajectory:
        """The same run, on whose predictions these have the last word, in turn; evaluations are counted together.

        Args:
            guides: what has it.
            answering: the run whose model they ask about other prompts, in the same steps; by default this one's.
        """
        other = copy.copy(self)
        other._guides, other._answering = tuple(guides), answering
        return other

    def along(self, grid: Grid) -> Trajectory:
        """The same run in other steps; evaluations are counted together."""
        other = copy.copy(self)
        other.grid = grid
        return other

    def unguided(self) -> Trajectory:
        """The same run without classifier-free guidance; evaluations are counted together."""
        if guidance_of(self.backbone) != "classifier-free":
            return self
        other = copy.copy(self)
        other.guidance_scale = 1.0
        return other

    @property
    def evaluations(self) -> int:
        """Rows that the backbone has predicted so far."""
        return self._tally.rows

    @property
    def is_guided(self) -> bool:
        """Whether each step compares what is said under the prompt with what is said under the empty one."""
        return guidance_of(self.backbone) == "classifier-free" and is_guided(self.guidance_scale)

    @property
    def end(self) -> int:
        """The index of the clean end."""
        return len(self.grid)

    def alpha_bar(self, index: int) -> float:
        """ᾱ of latents at that index of the grid."""
        return self.backbone.schedule.alpha_bar(timestep_at(self.grid, index))

    def conditioning(self, prompt: str) -> Conditioning:
        """Of one prompt, for any number of rows; encoded once, however often it is asked for."""
        if prompt not in self._conditionings:
            self._conditionings[prompt] = self.backbone.encode_prompts([prompt])
        return self._conditionings[prompt]

    def start(self, seeds: Sequence[int]) -> Position:
        """Pure noise, row by row what a diffusers pipeline draws from the same CPU generator.

        Raises:
            InvalidValueError: there are no seeds.
        """
        if not seeds:
            raise InvalidValueError("A run needs at least one seed.")
        noise = next(_noise(seeds, self.backbone.latent_shape))
        return Position(noise, 0, tuple(seeds))

    @torch.no_grad()
    def run(
        self,
        position: Position,
        conditioning: Conditioning,
        until_index: int | None = None,
        on_step: Callable[[Position], None] | None = None,
    ) -> Position:
        """Take steps until ``until_index``, by default to the clean end.

        Args:
            position: where to leave from.
            conditioning: of one prompt for all rows, or one for each.
            until_index: position.index … len(grid).
            on_step: called with every position reached.

        Raises:
            InvalidValueError: the target lies behind, or the prompts are neither one nor as many as the rows.
            NumericError: a latent is no longer finite.
            PluginError: the sampler changed the latent's shape.
        """
        until = self.end if until_index is None else until_index
        if not position.index <= until <= self.end:
            raise InvalidValueError(f"Cannot run from step {position.index} to step {until} of {self.end}.")
        noises = self._step_noise(position)
        while position.index < until:
            position = self._step(position, self.predict(position, conditioning), next(noises))
            if on_step is not None:
                on_step(position)
        return position

    def step(self, position: Position, prediction: Prediction) -> Position:
        """One step with a prediction already made, so that whoever needed to see it pays for it once.

        Raises:
            NumericError: the latent is no longer finite.
            PluginError: the sampler changed the latent's shape.
        """
        return self._step(position, prediction, next(self._step_noise(position)))

    def predict(self, position: Position, conditioning: Conditioning) -> Prediction:
        """The guided prediction at a position, (B, C, H, W) each.

        At the clean end no network is asked: x̂0 is the latent and ε is zero. Differentiable in the latent, backwards
        and forwards.

        Raises:
            InvalidValueError: the prompts are neither one nor as many as the rows.
            NumericError: the latent is not finite, or the prediction is not.
        """
        said = self._said(position, conditioning)
        return self._steered(said, position) if self._guides and position.index < self.end else said

    def _said(self, position: Position, conditioning: Conditioning) -> Prediction:
        """The prediction as guidance has it, before any guide."""
        if position.index == self.end:
            return Prediction(torch.zeros_like(position.latent), position.latent)
        rows, t = len(position.latent), self.grid[position.index][0]
        if not position.is_known_finite:
            self._require_finite(position.latent, f"before step {position.index + 1}", t)
        conditioning = _for_rows(conditioning, rows)
        parts = [
            self._guided(
                position.latent[first : first + self.batch_size], t, _rows(conditioning, first, self.batch_size)
            )
            for first in range(0, rows, self.batch_size)
        ]
        eps, x0 = (torch.cat(rows) for rows in zip(*parts, strict=True))
        return Prediction(eps, finite(x0, "What the backbone predicted"))  # x0 is made of ε, and shows one that is bad

    def pull_back(self, position: Position, conditioning: Conditioning, cotangent: Tensor) -> Tensor:
        """Jᵀu, with J the Jacobian of x̂0 in the latent: which change of the latent makes most of a change u of x̂0.

        Three evaluations: one that predicts, and two to go back through the network.

        Shapes:
            cotangent u and what is returned: (B, C, H, W).

        Raises:
            InvalidValueError, NumericError: as ``predict``.
        """
        latent = position.latent.detach().requires_grad_()
        with torch.enable_grad():
            x0 = self.predict(replace(position, latent=latent), conditioning).x0
            (pulled,) = torch.autograd.grad(x0, latent, cotangent)
        self.count(2 * len(latent) * (position.index < self.end))
        return finite(pulled, "What came back through the network")

    def push_forward(self, position: Position, conditioning: Conditioning, tangent: Tensor) -> Tensor:
        """Jv, to first order what a change v of the latent makes of x̂0; two evaluations.

        Shapes:
            tangent v and what is returned: (B, C, H, W).

        Raises:
            InvalidValueError, NumericError: as ``predict``.
        """

        def clean(latent: Tensor) -> Tensor:
            return self.predict(replace(position, latent=latent), conditioning).x0

        pushed: Tensor = torch.func.jvp(clean, (position.latent.contiguous(),), (tangent.contiguous(),))[1]
        self.count(len(tangent) * (position.index < self.end))
        return finite(pushed, "What went through the network along with the latent")

    def count(self, rows: int) -> None:
        """Rows of latents for which the backbone has worked once."""
        self._tally.rows += rows * evaluations_per_step(self.guidance_scale, guidance_of(self.backbone))

    def decode(self, latent: Tensor) -> Tensor:
        """The pictures (B, 3, h, w) of clean latents (B, C, H, W)."""
        return self.backbone.decode(latent)

    def _step(self, position: Position, prediction: Prediction, noise: Tensor | None) -> Position:
        t, t_prev = self.grid[position.index]
        state = copy.deepcopy(position.state)  # a sampler may write into it, and a branch may still need it
        schedule = self.backbone.schedule
        latent, state = self.sampler.step(position.latent, prediction, t, t_prev, schedule, noise, state)
        self._check(latent, position)
        return Position(latent, position.index + 1, position.seeds, state, is_known_finite=True, clean=prediction.x0)

    def _guided(self, latent: Tensor, t: int, conditioning: Conditioning) -> Prediction:
        """One call of the backbone, with both prompts in it where guidance needs both."""
        rows, guidance = len(latent), guidance_of(self.backbone)
        self.count(rows)
        if guidance == "embedded":
            conditioning = {**conditioning, "guidance_scale": latent.new_full((rows,), self.guidance_scale)}
        if not self.is_guided:
            return self._asked(latent, t, conditioning)
        unconditional = _for_rows(self.conditioning(self.negative_prompt), rows)
        both = {name: torch.cat([unconditional[name], conditioning[name]]) for name in conditioning}  # (2B, …)
        with guided_call(rows):
            eps, x0 = self._asked(torch.cat([latent, latent]), t, both)
        return guide(Prediction(eps[:rows], x0[:rows]), Prediction(eps[rows:], x0[rows:]), self.guidance_scale)

    def _steered(self, prediction: Prediction, position: Position) -> Prediction:
        """What the guides make of a prediction; what they ask for is theirs alone, and nobody guides it."""
        plain, t, schedule = self._answering or self.steered(()), self.grid[position.index][0], self.backbone.schedule
        inputs = GuideInputs(
            time=t / schedule.train_timesteps,
            alpha_bar=schedule.alpha_bar(t),
            latent=position.latent,
            guidance_scale=self.guidance_scale if self.is_guided else 1.0,
            under=lambda prompts: predict_under(plain, position, prompts),
        )
        for say in self._guides:
            prediction = say(prediction, inputs)
        return Prediction(prediction.eps, finite(prediction.x0, "What an edit made of the prediction"))

    def _asked(self, latent: Tensor, t: int, conditioning: Conditioning) -> Prediction:
        with kernels_for(latent):  # here and no sooner, because prompts are encoded once for all kernels
            return self.backbone.predict(latent, t, conditioning)

    def _step_noise(self, position: Position) -> Iterator[Tensor | None]:
        """The noise of each step from here on.

        Step i takes draw i + 1 of its seed's generator, draw 0 being the initial noise. So it depends on seed and
        index alone, and a whole run repeats what a diffusers pipeline does with that generator.
        """
        if not self.sampler.stochastic:
            while True:
                yield None
        draws = _noise(position.seeds, self.backbone.latent_shape)
        for _ in range(position.index + 1):
            next(draws)
        yield from draws

    def _check(self, latent: Tensor, before: Position) -> None:
        if latent.shape != before.latent.shape:
            was, now = tuple(before.latent.shape), tuple(latent.shape)
            raise PluginError(f"The sampler {self.sampler.name} turned a latent of shape {was} into one of {now}.")
        self._require_finite(latent, f"after step {before.index + 1}", self.grid[before.index][0])

    def _require_finite(self, latent: Tensor, when: str, t: int) -> None:
        if not bool(latent.isfinite().all()):
            raise NumericError(
                f"The latent is not finite {when} of {self.end} (timestep {t}).",
                hint="Lower the guidance scale or the strength.",
            )


@torch.no_grad()
def predict_under(trajectory: Trajectory, position: Position, prompts: Sequence[str]) -> Prediction:
    """What the model says about the same latents under each of several prompts, without guidance.

    Shapes:
        position.latent: (B, C, H, W).
        returns: (P, B, C, H, W) each.

    Raises:
        NumericError: a prediction is not finite.
    """
    rows, unguided = len(position.latent), trajectory.unguided()
    encoded = [_for_rows(trajectory.conditioning(prompt), rows) for prompt in prompts]
    together = {name: torch.cat([one[name] for one in encoded]) for name in encoded[0]}
    repeated = position.latent.repeat(len(prompts), 1, 1, 1)
    everywhere = Position(repeated, position.index, position.seeds * len(prompts))
    eps, x0 = unguided.predict(everywhere, together)
    shape = (len(prompts), *position.latent.shape)
    return Prediction(eps.reshape(shape), x0.reshape(shape))


def clean_under(trajectory: Trajectory, position: Position, prompts: Sequence[str]) -> Tensor:
    """The clean latents of that, (P, B, C, H, W).

    Raises:
        NumericError: a prediction is not finite.
    """
    return predict_under(trajectory, position, prompts).x0


def _noise(seeds: Sequence[int], latent_shape: tuple[int, int, int]) -> Iterator[Tensor]:
    """Draw after draw of standard normal noise (B, C, H, W), each row from its own CPU generator."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        yield torch.stack([torch.randn(latent_shape, generator=generator) for generator in generators])


def _rows_for(latent_shape: tuple[int, int, int]) -> int:
    """How many rows go through a network at once: as much memory for many small latents as for one large."""
    _, height, width = latent_shape
    return max(1, min(MOST_ROWS, MOST_POSITIONS // (height * width)))


def _for_rows(conditioning: Conditioning, rows: int) -> Conditioning:
    """The conditioning with one entry for each of the rows; a single prompt serves all."""
    counts = {len(tensor) for tensor in conditioning.values()}
    if not counts <= {1, rows}:
        raise InvalidValueError(f"{max(counts)} prompts do not fit {rows} latents: give one, or one for each.")
    return {name: tensor.expand(rows, *tensor.shape[1:]) for name, tensor in conditioning.items()}


def _rows(conditioning: Conditioning, first: int, count: int) -> Conditioning:
    return {name: tensor[first : first + count] for name, tensor in conditioning.items()}
