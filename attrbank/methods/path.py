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

import torch
from torch import Tensor

from attrbank.avi.difference import add_difference
from attrbank.avi.own_difference import places, towards
from attrbank.methods import live
from attrbank.methods.inputs import WANTED, Beside, EditInputs
from attrbank.methods.moving import LAST
from attrbank.methods.protocol import LearnContext
from attrbank.methods.trial import FIRSTS, JUDGE, Fitted, Trial
from attrbank.methods.turns import pair_of
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord, Calibration

ENOUGH, LEAST = 0.6, 0.3
"""It begins as late as strength 1 goes this far, on average and in the picture that comes least, as a share of what the
target prompt changes from the earliest time on. What is still undecided then is less of everything else."""
MOST = 1.3
"""The strongest that was looked at: beyond all of the way there is nothing that the model would draw."""
CLEAN, NOISE = "clean", "noise"
"""What is kept of the picture that goes all the way: by how much its predictions are others than the unedited one's."""


@dataclass(frozen=True, eq=False)
class PathEdit:
    """Moves the picture to a share of its own way, each time that it is called.

    Attributes:
        pairs: the prompts; with several, each time has the next one.
        times: how often it is called.
        size: the share of the way that strength 1 goes.
    """

    pairs: Sequence[PromptPair]
    times: int
    size: float

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add √ᾱ · m(d) ∘ (s · size · d − gone), with d the way as far as it is known by now."""
        if strength == 0:
            return x
        unedited, share = inputs.beside(), self.size * strength
        with torch.no_grad():
            said = inputs.towards(_all_the_way(unedited, inputs), pair_of(self.pairs, inputs.turn, self.times))
        way = said.x0 - unedited.said.x0
        inputs.memory[CLEAN], inputs.memory[NOISE] = way, said.eps - unedited.said.eps
        gone, before = inputs.gone(), inputs.memory.get(WANTED, torch.zeros_like(way))
        inputs.memory[WANTED] = before + places(way) * (share * way - before)
        return add_difference(x, math.sqrt(inputs.alpha_bar) * towards(way, gone, share), 1.0)


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
    """Find where it begins: as late as all of the way from there is most of the way from the earliest time on.

    That takes no judge. Strength 1 is all of that way.
    """
    for done, first in enumerate(FIRSTS):
        context.on_progress("measuring how far it goes", done, len(FIRSTS))
        times = trial.times(first)
        progress = trial.on_the_way(PathEdit(context.spec.pairs, len(times), 1.0), times, 1.0)
        if progress.reached >= ENOUGH and progress.least >= LEAST:
            break
    context.on_progress("measuring how far it goes", len(FIRSTS), len(FIRSTS))
    calibration = Calibration(
        core="path", strengths=(0.0, 1.0), raw=(0.0, 1.0), low=-1.0, high=MOST, judge=JUDGE, seeds=trial.seeds
    )
    units = {"path": 1.0, "live": live.size_at(context, trial, times)}
    fields = {"times": times, "units": units, "calibration": calibration}
    return Fitted(fields, {"along_path": progress.along, "acts_from": first, "acts_until": LAST}, progress.along)


def path_edit(record: AttributeRecord) -> PathEdit:
    """The edit that a record describes; it has no tensors."""
    return PathEdit(record.pairs, len(record.times), record.units["path"])
