"""What edits cost that go the picture's own way: a plan counts what a run takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import torch

from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.cost import Stop, denoising_steps, rows_beside
from attrbank.methods.avi import Avi
from attrbank.methods.needs import Needs
from attrbank.methods.path import PathEdit
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord
from tests.editing.test_paired import Spy, look

SOURCE, OTHER, TARGET = "a photo of a person", "a photo of a man", "a photo of an old person"
STEPS = 10


def path(*times: int, strength: float = 1.0, sources: tuple[str, ...] = (SOURCE,)) -> tuple[Act, Stop]:
    """An edit with the prompts of some pairs, and what its method says that it needs."""
    pairs = tuple(PromptPair(source=source, target=TARGET) for source in sources)
    record = cast(AttributeRecord, SimpleNamespace(t_z=0.2, paper=None, times=times, pairs=pairs))
    needs = Avi().needs(record, "path", strength)
    act = Act(times[0], PathEdit(pairs, len(times), 1.0), strength, times[1:])
    return act, Stop(times[0], needs, times[1:], changes=strength != 0)


def looking(*times: int, strength: float = 0.5) -> tuple[Act, Stop]:
    """An edit that looks at the picture as it is."""
    stop = Stop(times[0], Needs(looks=True), times[1:], changes=strength != 0)
    return Act(times[0], look, strength, times[1:]), stop


def paired(index: int, until: float) -> tuple[Act, Stop]:
    """Both pictures take every step in turn."""
    return Act(index, Spy(until=until), 1.0), Stop(index, Needs(beside=until))


CASES = {
    "one": [path(3, 5, 8)],
    "one, every step": [path(3, 4, 5, 6)],
    "one, to the last step": [path(3, 9)],
    "times that share a step": [path(3, 3, 5, 5, 5, 8)],
    "all of its times at one step": [path(4, 4, 4, 4)],
    "several pairs": [path(3, 5, 7, 8, sources=(SOURCE, OTHER, TARGET))],
    "strength 0": [path(3, 5, 8, strength=0.0)],
    "two at the same steps": [path(3, 5, 8), path(3, 5, 8, sources=(OTHER,))],
    "two at others": [path(2, 6), path(3, 5, 9)],
    "one does nothing": [path(2, 6, strength=0.0), path(3, 5)],
    "one that looks before": [looking(2), path(3, 5)],
    "one that looks where it begins": [looking(3), path(3, 5)],
    "it begins where one looks": [path(3, 5), looking(3)],
    "one that looks in between": [path(3, 7), looking(5)],
    "one that looks several times": [path(3, 6), looking(3, 6, 8)],
    "one that looks and does nothing": [looking(2, strength=0.0), path(3, 5)],
    "it does nothing, and one looks": [path(3, 5, strength=0.0), looking(5)],
    "one beside it": [paired(2, 0.25), path(4, 6)],
    "one beside it from then on": [path(2, 6), paired(4, 0.0)],
    "one beside it that ends in between": [path(2, 5, 8), paired(3, 0.35)],
    "one beside it at the same step, and one looks": [path(3, 3, 6), paired(3, 0.25), looking(6)],
    "one beside it before, and it does nothing": [paired(2, 0.25), path(3, 5, strength=0.0)],
}


@pytest.mark.parametrize("with_before", [True, False])
@pytest.mark.parametrize("prompt", [SOURCE, OTHER])
@pytest.mark.parametrize("case", CASES)
def test_a_plan_counts_what_a_run_takes(case: str, prompt: str, with_before: bool) -> None:
    model = tiny_backbone()
    run = Trajectory(model, DDIM(), grid=DDIM().grid(STEPS, model.schedule), guidance_scale=3.0)
    acting = sorted(CASES[case], key=lambda pair: pair[1].index)
    stops = [stop for _, stop in acting]
    pictures = run_edits(run, prompt, [7], [act for act, _ in acting], with_before=with_before)
    steps = denoising_steps(stops, run.grid, model.schedule, needs_before=with_before, refinements=None)
    assert run.evaluations == 2 * steps + rows_beside(stops, run.grid, model.schedule, prompt)
    assert with_before == (pictures.before is not None)
    assert pictures.before is None or torch.equal(pictures.before, plain(prompt))


def plain(prompt: str) -> torch.Tensor:
    """The picture that nothing has edited."""
    model = tiny_backbone()
    run = Trajectory(model, DDIM(), grid=DDIM().grid(STEPS, model.schedule), guidance_scale=3.0)
    return run.run(run.start([7]), run.conditioning(prompt)).latent


def test_prompts_are_rows_more_only_where_they_are_others() -> None:
    model = tiny_backbone()
    grid = DDIM().grid(STEPS, model.schedule)
    (_, stop), (_, several) = path(3, 5, 8), path(3, 5, 8, sources=(SOURCE, OTHER))
    assert rows_beside([stop], grid, model.schedule, SOURCE) == 0
    assert rows_beside([stop], grid, model.schedule, OTHER) == 6
    assert rows_beside([several], grid, model.schedule, SOURCE) == 2
    assert rows_beside([several], grid, model.schedule, TARGET) == 6
