"""A tiny model, and a method that lets tests see what it was given to learn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.protocol import LearnContext, Learned
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM

SOURCES = ["a photo of a person", "a photo of a woman"]
TARGETS = ["a photo of an old person", "a photo of an old woman"]


class Overheard(Avi):
    """The method itself; it remembers where it learned."""

    context: LearnContext

    def learn(self, context: LearnContext) -> Learned:
        self.context = context
        return super().learn(context)


@pytest.fixture(scope="session")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="session")
def overheard(backbone) -> tuple[LearnedAttribute, LearnContext]:
    """An attribute of two pairs of prompts and nine seeds, and where it was learned."""
    asked = {"seeds": tuple(range(3, 12)), "steps": 5, "guidance_scale": 1.0, "t_x": 0.8, "delta_tau": -0.6}
    spec, method = complete(learn_spec("old", SOURCES, TARGETS, **asked), backbone), Overheard()
    return learn_attribute(spec, method, backbone, DDIM()), method.context
