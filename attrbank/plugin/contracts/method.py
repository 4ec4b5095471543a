"""The promises of a method, on a tiny random model in the format of diffusers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import torch

from attrbank.attribute.artifact import LearnedAttribute, decode, encode
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.protocols import Backbone, guidance_of
from attrbank.diffusion.schedule import indices_of
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, Edited, run_edits
from attrbank.editing.cost import Stop, denoising_steps, rows_beside
from attrbank.learning.run import learn_attribute
from attrbank.methods.completing import completed
from attrbank.methods.protocol import Method
from attrbank.plugin.contracts.base import Contract, require, require_finite
from attrbank.plugin.tiny import build_pipeline
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import LearnSpec, PromptPair

_SOURCE, _TARGET = "a photo of a person", "a photo of an old person"
_STEPS, _SEEDS = 8, (100, 101)

Made = TypeVar("Made")


class MethodContract(Contract):
    """Any method, learned once with ``spec`` on ``make_backbone()``."""

    def make(self) -> Method:
        """A new method to test, as its registered target makes it."""
        raise NotImplementedError

    def make_backbone(self) -> Backbone:
        """The backbone to learn on; by default a random one with latents of 4×16×16."""
        return tiny_backbone()

    def spec(self) -> LearnSpec:
        """What to learn; derived classes may ask for other settings of the method."""
        return LearnSpec(
            name="old",
            method=self.subject.name,
            pairs=(PromptPair(source=_SOURCE, target=_TARGET),),
            seeds=(0, 1, 2, 3),
            t_x=0.6,
            delta_tau=-0.2,
            steps=_STEPS,
            guidance_scale=3.0,
        )

    def test_it_learns_an_attribute(self) -> None:
        """At least one tensor, and all of them finite."""
        tensors = self._attribute().tensors
        require(bool(tensors), "it learns no tensor")
        for name, tensor in tensors.items():
            require_finite(f"the tensor {name!r}", tensor, tuple(tensor.shape))

    def test_learning_repeats_itself(self) -> None:
        """Equal specs give equal artifacts, byte for byte."""
        require(encode(self._learn()) == encode(self._attribute()), "learning twice gives two different artifacts")

    def test_an_attribute_survives_its_artifact(self) -> None:
        """What is stored is all that editing needs: a method that has not learned it edits alike."""
        attribute = self._attribute()
        again = decode(encode(attribute))
        require(again.record == attribute.record, "the record changes on its way through the artifact")
        elsewhere = self._edited(again, 1.0, method=self.make()).after
        require(torch.equal(elsewhere, self._edited(attribute, 1.0).after), "it edits otherwise once it was stored")

    def test_strength_zero_is_the_identity(self) -> None:
        """Bit for bit, in the clean latent."""
        before, after = self._edited(self._attribute(), 0.0)
        require(before is not None and torch.equal(before, after), "strength 0 changes the picture")

    def test_strength_one_changes_the_picture(self) -> None:
        """Into something finite of the same shape, and the same every time."""
        before, after = self._edited(self._attribute(), 1.0)
        require_finite("the edited latent", after, (len(_SEEDS), *self._backbone().latent_shape))
        require(before is not None and not torch.equal(before, after), "strength 1 changes nothing")
        require(torch.equal(after, self._edited(self._attribute(), 1.0).after), "two edits of one picture differ")

    def test_the_unedited_picture_is_what_it_would_be_without_the_edit(self) -> None:
        """An edit leaves the latents and the model that it is given alone."""
        before = self._edited(self._attribute(), 1.0).before
        plain = run_edits(self._trajectory(), _SOURCE, _SEEDS, []).before
        require(
            before is not None and plain is not None and torch.equal(before, plain), "the edit shows before it acts"
        )

    def test_its_cost_is_told(self) -> None:
        """``needs`` knows from the record alone what an edit takes, whether the unedited picture is finished or not."""
        attribute, plan = self._attribute(), self._trajectory()
        record, grid, schedule = attribute.record, plan.grid, plan.backbone.schedule
        first, *later = indices_of(self._method.times(record, record.core), grid, schedule)
        needs = self._method.needs(record, record.core, 1.0)
        stop = Stop(first, needs, tuple(later))
        for with_before in (True, False):
            run = self._trajectory()
            self._edited(attribute, 1.0, trajectory=run, with_before=with_before)
            each = evaluations_per_step(run.guidance_scale, guidance_of(run.backbone))
            steps = denoising_steps([stop], grid, schedule, needs_before=with_before, refinements=None)
            told = steps + rows_beside([stop], grid, schedule, _SOURCE) / each
            taken = run.evaluations / len(_SEEDS) / each
            require(told == taken, f"by what needs tells an edit takes {told:g} steps, but it takes {taken:g}")

    @property
    def _method(self) -> Method:
        return completed(self.subject)

    def _attribute(self) -> LearnedAttribute:
        return self._once("_learned", self._learn)

    def _backbone(self) -> Backbone:
        return self._once("_model", self.make_backbone)

    def _once(self, name: str, make: Callable[[], Made]) -> Made:
        if name not in vars(type(self)):
            setattr(type(self), name, make())
        made: Made = vars(type(self))[name]
        return made

    def _learn(self) -> LearnedAttribute:
        # Prompts mean little to a random model, and that is no fault of the method.
        return learn_attribute(self.spec(), self._method, self._backbone(), DDIM(), force=True)

    def _trajectory(self) -> Trajectory:
        grid = DDIM().grid(_STEPS, self._backbone().schedule)
        return Trajectory(self._backbone(), DDIM(), grid=grid, guidance_scale=3.0)

    def _edited(
        self,
        attribute: LearnedAttribute,
        strength: float,
        *,
        method: Method | None = None,
        trajectory: Trajectory | None = None,
        with_before: bool = True,
    ) -> Edited:
        trajectory = trajectory or self._trajectory()
        record, core = attribute.record, attribute.record.core
        times, words = self._method.times(record, core), self._method.needs(record, core, strength).words
        first, *later = indices_of(times, trajectory.grid, trajectory.backbone.schedule)
        edit = (method or self._method).edit(record, attribute.tensors)
        acts = [Act(first, edit, strength, tuple(later), words=words)]
        return run_edits(trajectory, _SOURCE, _SEEDS, acts, with_before=with_before)


@cache
def tiny_backbone() -> Backbone:
    """A random model with 4×16×16 latents and 32×32 pictures, made once for each process and not to be changed."""
    from attrbank.backbones.families import load

    with tempfile.TemporaryDirectory() as folder:
        return load(str(build_pipeline(Path(folder) / "model")))
