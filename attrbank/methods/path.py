"""The core ``path``: a share of the way that this picture itself would go under the target prompt.

Another picture goes all of that way, from where the edit begins, in a few long steps. At each of the edit's times the
clean latent predicted of it says where the way leads, as far as that is known by then, and the edited picture is moved
to its share of it. What the model has made of earlier moves is looked at each time, so that a picture in which the
attribute comes at once is held back, and one that resists is helped on: half of the strength is half of the way in each
of them (docs/method.md 5.9).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attrbank.avi.difference import add_difference
from attrbank.avi.factors import full_precision, require_finite
from attrbank.avi.own_difference import places
from attrbank.methods import live
from attrbank.methods.inputs import WANTED, Beside, EditInputs
from attrbank.methods.moving import LAST
from attrbank.methods.protocol import LearnContext
from attrbank.methods.trial import FIRSTS, JUDGE, Fitted, Progress, Trial
from attrbank.methods.turns import pair_of
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord, Calibration

ENOUGH, LEAST = 0.5, 0.2
"""It begins as late as strength 1 goes this far, on average and in the picture that comes least, as a share of what the
target prompt changes from the earliest time on. What is still undecided then is less of everything else."""
FULL, MOST = 0.6, 1.3
"""Strength 1 goes beyond all of the way from there if that is less than ``FULL`` of the way from the earliest time, but
no further than ``MOST``: what lies behind the target the model has never drawn."""
CLEAN, NOISE = "clean", "noise"
"""What is kept of the picture that goes all the way: by how much its predictions are others than the unedited one's."""


@dataclass(frozen=True, eq=False)
class PathEdit:
    """Moves the picture to a share of its own way, each time that it is called.

    Attributes:
        pairs: the prompts; with several, each time has the next one.
        times: how often it is called.
        size: the share of the way that strength 1 goes.
        leads: see ``LeadingEdit``.
    """

    pairs: Sequence[PromptPair]
    times: int
    size: float
    leads: bool = True

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add √ᾱ · m(d) ∘ (s · size · d − gone), with d the way as far as it is known by now."""
        if strength == 0:
            return x
        unedited, share = inputs.beside(), self.size * strength
        with torch.no_grad():
            said = inputs.towards(_all_the_way(unedited, inputs), pair_of(self.pairs, inputs.turn, self.times))
        way = require_finite(full_precision(said.x0 - unedited.said.x0), "The way that this picture has to go")
        goal, mask = share * way, places(way)
        left, wanted = goal - inputs.gone(), inputs.memory.get(WANTED, torch.zeros_like(way))
        inputs.memory |= {
            CLEAN: way,
            NOISE: said.eps - unedited.said.eps,
            WANTED: wanted + mask * (goal - wanted),
        }
        return add_difference(x, math.sqrt(inputs.alpha_bar) * mask * left, 1.0)


def _all_the_way(unedited: Beside, inputs: EditInputs) -> Tensor:
    """The latent of the picture that goes all the way, (B, C, H, W).

    One DDIM step from the edit's last time to this one. The unedited picture takes shorter ones, so only by how much
    the two differ is stepped: what long steps do wrong is left out.
    """
    if CLEAN not in inputs.memory:
        return unedited.latent
    signal, noise = math.sqrt(inputs.alpha_bar), math.sqrt(1 - inputs.alpha_bar)
    return unedited.latent + signal * inputs.memory[CLEAN] + noise * inputs.memory[NOISE]


def fit(context: LearnContext, trial: Trial) -> Fitted:
    """Find where it begins, and how much of the way from there strength 1 goes.

    It begins as late as all of that way is most of the way from the earliest time on. That takes no judge.
    """
    pairs, total = context.spec.pairs, len(FIRSTS) + 1
    for done, first in enumerate(FIRSTS):
        context.on_progress("measuring how far it goes", done, total)
        times = trial.times(first)
        edit = PathEdit(pairs, len(times), 1.0)
        whole = trial.on_the_way(edit, times, 1.0)
        if whole.reached >= ENOUGH and whole.least >= LEAST:
            break
    context.on_progress("measuring how far it goes", len(FIRSTS), total)
    size = size_of(whole, trial.on_the_way(edit, times, MOST))
    context.on_progress("measuring how far it goes", total, total)
    calibration = Calibration(
        core="path",
        strengths=(0.0, 1.0),
        raw=(0.0, 1.0),
        low=-1.0,
        high=round(MOST / size, 2),
        judge=JUDGE,
        seeds=trial.seeds,
    )
    units = {"path": size, "live": live.size_at(context, trial, times)}
    fields = {"times": times, "units": units, "calibration": calibration}
    along = trial.on_the_way(edit, times, size).along
    return Fitted(fields, {"along_path": along, "acts_from": first, "acts_until": LAST}, along)


def size_of(whole: Progress, most: Progress) -> float:
    """The share of the way that strength 1 goes: all of it, and as far beyond as ``FULL`` takes, at most ``MOST``."""
    return float(np.interp(FULL, (whole.reached, most.reached), (1.0, MOST))) if most.reached > whole.reached else 1.0


def path_edit(record: AttributeRecord) -> PathEdit:
    """The edit that a record describes; it has no tensors."""
    return PathEdit(record.pairs, len(record.times), record.units["path"])
