"""One run of a sampler, and which attributes act in it."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from torch import Tensor

from attrbank.plugin import Guest, IncompatibleError, Schedule, Turn, turns_of
from attrbank_comfyui.space import NEAR, nearest, sigma_of

LOG = logging.getLogger("attrbank")


class Run:
    """The grid of a run, and the turns of attributes on it.

    A workflow may sample several times with one model. An attribute acts in the run that passes its time; in others
    there is a line in the log.

    Args:
        sigmas: the grid, noisiest first.
        attributes: that are to act.
        schedule: of the model.

    Attributes:
        sigmas: likewise.
        groups: by their step, the turns that this run has.

    Raises:
        IncompatibleError: an attribute acts before the first step of this run has ended.
        InvalidValueError: an attribute cannot act at the time that was asked for.
    """

    def __init__(self, sigmas: Tensor, attributes: Sequence[Guest], schedule: Schedule) -> None:
        self.sigmas = tuple(map(float, sigmas))
        ready = [attribute.on(schedule) for attribute in attributes]
        turns = [turn for turn in turns_of(ready, self._nearest) if self._has(turn)]
        turns.sort(key=lambda turn: turn.index)
        self.groups = {index: list(group) for index, group in groupby(turns, key=lambda turn: turn.index)}

    @property
    def leaves_noise(self) -> bool:
        """Whether another run is to go on from where this one ends."""
        return self.sigmas[-1] > 0

    def index_at(self, sigma: float) -> int | None:
        """The step that begins at this σ; None if none does, as between the steps of samplers of a higher order."""
        found = (index for index, known in enumerate(self.sigmas) if math.isclose(sigma, known, rel_tol=NEAR))
        return next(found, None)

    def _nearest(self, alpha_bar: float) -> int:
        return nearest(self.sigmas, alpha_bar)

    def _has(self, turn: Turn) -> bool:
        name, wanted = turn.attribute.record.name, sigma_of(turn.attribute.times[turn.number])
        first, last = self.sigmas[0], self.sigmas[-1]
        before, after = wanted >= first * (1 - NEAR), wanted < last * (1 - NEAR)
        if before or (after and turn.index == len(self.sigmas) - 1):
            LOG.warning("%s acts at σ = %.4g, and this run goes from %.4g to %.4g.", name, wanted, first, last)
            return False
        if turn.index == 0:
            raise IncompatibleError(
                f"{name} acts at σ = {wanted:.4g}, before this run has taken a step, to {self.sigmas[1]:.4g}.",
                hint="Take more steps, or begin this run earlier.",
            )
        return True


class Runs:
    """The run that is going on, told by its grid: every run has one of its own.

    Args:
        attributes: that are to act.
        schedule: of the model.
    """

    def __init__(self, attributes: Sequence[Guest], schedule: Schedule) -> None:
        self._attributes, self._schedule = attributes, schedule
        self._sigmas: Tensor | None = None
        self._run: Run | None = None

    def of(self, options: Mapping[str, Any]) -> Run:
        """The one that a sampler's ``transformer_options`` belong to.

        Raises:
            IncompatibleError: they do not say which steps there are.
        """
        sigmas = options.get("sample_sigmas")
        if sigmas is None:
            raise IncompatibleError(
                "This sampler does not say which steps it takes.", hint="Use KSampler, or SamplerCustom."
            )
        if self._run is None or sigmas is not self._sigmas:
            self._sigmas, self._run = sigmas, Run(sigmas, self._attributes, self._schedule)
        return self._run
