"""The promises of a judge."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.judges.judge import Case, Judge, completed
from attrbank.plugin.contracts.base import Contract, normal, require, require_close, require_finite
from attrbank.plugin.contracts.method import tiny_backbone

_PROMPT, _TARGET, _PICTURES = "a photo of a person", "a photo of an old person", 4
_OF_ONE_PICTURE = ("success", "damage", "flips")
"""Figures that lie between 0 and 1."""


class JudgeContract(Contract):
    """What evaluations rely on: of each picture the same answer every time, whoever else is looked at."""

    def make(self) -> Judge:
        """A new judge to test, as its registered target makes it of ``self.case()``."""
        raise NotImplementedError

    def make_backbone(self) -> Backbone:
        """The model whose pictures it judges; a tiny random one by default."""
        return tiny_backbone()

    def case(self) -> Case:
        """What the judge is made for."""
        backbone = self.make_backbone()
        return Case(backbone=backbone, prompt=backbone.defaults.prompt or _PROMPT)

    def asked(self) -> Subject:
        """The attribute that it is asked for: the first of its goals."""
        goal, target = next(iter(self._judge.goals.items()), (None, _TARGET))
        return Subject(goal or "old", "0" * 64, 0, cast(LearnedAttribute, None), target, goal)

    def test_it_says_what_it_is(self) -> None:
        """Reports state who judged, and evaluations by other weights are others."""
        judge = self._judge
        for what in ("name", "weights"):
            require(bool(getattr(judge, what, "")) and isinstance(getattr(judge, what), str), f"it has no {what}")
        require(all(isinstance(text, str) for pair in judge.goals.items() for text in pair), "its goals are not text")

    def test_every_picture_gets_one_finite_effect(self) -> None:
        """And is judged, or is not."""
        view = self._judge.look(self._pictures(1))
        require_finite("the effect", self._effect(view), (_PICTURES,))
        lacking = self._judge.lacking(self.asked(), view)
        require(lacking.dtype == torch.bool and lacking.shape == (_PICTURES,), "lacking is not one truth a picture")

    def test_it_repeats_itself_and_leaves_the_pictures_alone(self) -> None:
        """Equal pictures give equal answers."""
        pictures = self._pictures(1)
        first, second = (self._effect(self._judge.look(pictures)) for _ in range(2))
        require(torch.equal(first, second), "it answers otherwise when it is asked again")
        require(torch.equal(pictures, self._pictures(1)), "it changes the pictures that it is given")

    def test_a_view_is_its_rows(self) -> None:
        """Whether rows are picked before it looks or afterwards, no picture's answer knows of the others."""
        pictures, rows = self._pictures(1), torch.tensor([True, False, True, False])
        view = self._judge.look(pictures)
        whole = self._effect(view)
        slack = 1e-3 * (1 + float(whole.abs().max()))
        require_close("the effect of picked rows", self._effect(view[rows]), whole[rows], slack)
        require_close(
            "the effect without the others", self._effect(self._judge.look(pictures[rows])), whole[rows], slack
        )

    def test_every_further_figure_is_one_number_a_picture(self) -> None:
        """Whether the edit changed something or not; shares lie between 0 and 1."""
        for after in (self._pictures(1), self._pictures(2)):
            before = self._judge.look(self._pictures(1))
            for name, values in self._judge.figures(self.asked(), before, self._judge.look(after)).items():
                require_finite(f"the figure {name}", values.float(), (_PICTURES,))
                if name in _OF_ONE_PICTURE:
                    inside = float(values.float().min()) >= 0 and float(values.float().max()) <= 1
                    require(inside, f"the figure {name} leaves [0, 1]")

    def test_what_it_says_of_all_together_is_finite(self) -> None:
        """Distances between distributions, traits, and the limit of a perfect edit."""
        judge, subject = self._judge, self.asked()
        before, after = judge.look(self._pictures(1)), judge.look(self._pictures(2))
        for name, value in {**judge.distances(subject, before, after), **judge.limit(subject)}.items():
            require(math.isfinite(value), f"{name} is no finite number")
        traits = judge.traits(subject, after)
        if traits is not None:
            require_finite("the traits", traits, (_PICTURES, *traits.shape[1:2]))

    @property
    def _judge(self) -> Judge:
        return completed(self.subject)

    def _effect(self, view: Any) -> Tensor:
        return self._judge.effect(self.asked(), view)

    def _pictures(self, seed: int) -> Tensor:
        backbone = self.make_backbone()
        with torch.no_grad():
            pictures: Tensor = backbone.decode(normal(_PICTURES, *backbone.latent_shape, seed=seed))
        return pictures
