"""Edits that look at the unedited picture: both pictures take every step in turn, and cost what two pictures cost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.diffusion.position import Position
from attrbank.diffusion.prediction import from_epsilon
from attrbank.diffusion.protocols import Prediction
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.steering import GuideInputs
from attrbank.diffusion.trajectory import Trajectory, predict_under
from attrbank.editing.composition import Act, run_edits
from attrbank.methods.paired import Pair
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.samplers.ddim import DDIM

SOURCE, OTHER, STEPS = "a photo of a person", "a photo of an old man", 8


class Watched:
    """A backbone that notes who asked it at which timestep."""

    def __init__(self, inner, who: str, seen: list[tuple[str, int]]) -> None:
        self._inner, self._who, self._seen = inner, who, seen

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def predict(self, latent: Tensor, timestep: int, conditioning):
        self._seen.append((self._who, timestep))
        return self._inner.predict(latent, timestep, conditioning)


class Spy:
    """A paired edit that notes who is asked when, and draws the edited picture as ``settle`` has it."""

    def __init__(self, until: float = 0.0, settle=lambda unedited, edited: edited) -> None:
        self.until, self.settle, self.seen = until, settle, list[tuple[str, int]]()

    def beside(self, unedited, edited, strength: float) -> Pair:
        return Pair(Watched(unedited, "before", self.seen), Watched(edited, "after", self.seen), self.settle)


def shift(x: Tensor, inputs, strength: float) -> Tensor:
    return x + strength


def look(x: Tensor, inputs, strength: float) -> Tensor:
    return x + strength * inputs.clean()


def run(*acts: Act, kind=Trajectory, with_before: bool = True, **options):
    model = tiny_backbone()
    trajectory = kind(model, DDIM(), grid=DDIM().grid(STEPS, model.schedule), guidance_scale=3.0, **options)
    return run_edits(trajectory, SOURCE, [7], acts, with_before=with_before), trajectory


def test_both_pictures_take_every_step_in_turn_until_the_edit_ends() -> None:
    spy = Spy(until=0.25)
    _, trajectory = run(Act(2, spy, 1.0))
    timesteps = [t for t, _ in trajectory.grid[2:] if t > 0.26 * 1000]
    assert spy.seen == [(who, t) for t in timesteps for who in ("before", "after")]


@pytest.mark.parametrize("with_before", [True, False])
def test_they_cost_what_two_pictures_cost(with_before: bool) -> None:
    _, trajectory = run(Act(2, Spy(until=0.5), 1.0), with_before=with_before)
    apart = next(index for index, (t, _) in enumerate(trajectory.grid) if t <= 510)
    assert trajectory.evaluations == 2 * ((STEPS if with_before else apart) + STEPS - 2)


def test_an_edit_that_only_looks_on_changes_neither_picture() -> None:
    pictures, _ = run(Act(2, Spy(), 1.0))
    plain, _ = run()
    assert torch.equal(pictures.before, plain.before)
    assert torch.equal(pictures.after, plain.before)


def test_what_is_settled_after_a_step_is_what_the_next_one_begins_with() -> None:
    pictures, _ = run(Act(1, shift, 1.0), Act(2, Spy(settle=lambda unedited, edited: unedited), 1.0))
    alone, _ = run(Act(1, shift, 1.0))
    assert torch.equal(pictures.after, pictures.before)
    assert not torch.equal(alone.after, alone.before)


@pytest.mark.parametrize("acts", [(look, Spy), (Spy, look)])
def test_an_edit_that_looks_goes_together_with_it(acts) -> None:
    """Where it is looked at before, that step of the unedited picture is predicted once more."""
    made = [Spy(until=0.25) if act is Spy else act for act in acts]
    spy = next(one for one in made if isinstance(one, Spy))
    pictures, trajectory = run(*(Act(2, one, 0.5) for one in made))
    timesteps = [t for t, _ in trajectory.grid[2:] if t > 0.26 * 1000]
    assert spy.seen == [(who, t) for t in timesteps for who in ("before", "after")]
    assert torch.equal(pictures.before, run()[0].before)
    assert trajectory.evaluations == 2 * (STEPS + STEPS - 2 + 1)


def test_an_edit_of_the_latent_may_come_between() -> None:
    spy = Spy(until=0.0)
    pictures, trajectory = run(Act(1, spy, 1.0), Act(4, shift, 0.5))
    assert spy.seen == [(who, t) for t, _ in trajectory.grid[1:] for who in ("before", "after")]
    assert torch.equal(pictures.after, run(Act(4, shift, 0.5))[0].after)


class Halved:
    """A model edit: half of the noise that the model sees."""

    until = 0.0

    def through(self, backbone, strength: float):
        return Noisy(backbone, 0.5)


class Noisy(Watched):
    """A backbone that sees some share of the noise."""

    def __init__(self, inner, share: float) -> None:
        super().__init__(inner, "", [])
        self._share = share

    def predict(self, latent: Tensor, timestep: int, conditioning) -> Prediction:
        eps, _ = self._inner.predict(latent, timestep, conditioning)
        return from_epsilon(latent, self._share * eps, self.schedule.alpha_bar(timestep))


class Paired:
    """A paired edit for its own two pictures alone: what it makes of any other row is nonsense."""

    until = 0.0

    def beside(self, unedited, edited, strength: float) -> Pair:
        return Pair(unedited, Noisy(edited, 3.0), lambda unedited, edited: edited)


class Louder:
    """A prompt edit."""

    until = 0.0

    def heard(self, conditioning, places, strength: float):
        return {name: tensor * (1 + strength) for name, tensor in conditioning.items()}


class Asking:
    """A guidance edit that notes what it is told of another prompt, and adds it."""

    until = 0.0

    def __init__(self) -> None:
        self.told: list[tuple[Tensor, Prediction]] = []

    def guide(self, strength: float):
        def guide(prediction: Prediction, inputs: GuideInputs) -> Prediction:
            said = inputs.under((OTHER,))
            self.told.append((inputs.latent, said))
            return Prediction(prediction.eps + strength * said.eps[0], prediction.x0 + strength * said.x0[0])

        return guide


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0)])
def test_with_an_edit_of_each_kind_guides_are_told_what_no_pair_has_changed(order: tuple[int, ...]) -> None:
    """The model as other edits have it, but for a paired one, which knows nothing of a guide's prompts."""
    asking = Asking()
    acts = [Act(2, edit, 0.5) for edit in (Halved(), Paired(), Louder(), asking)] + [Act(4, shift, 0.5)]
    pictures, trajectory = run(*(acts[place] for place in order))
    assert not torch.equal(pictures.after, pictures.before)
    halved = trajectory.through(Noisy(trajectory.backbone, 0.5))
    assert len(asking.told) == STEPS - 2
    for index, (latent, said) in enumerate(asking.told, 2):
        expected = predict_under(halved, Position(latent, index, (7,)), [OTHER])
        torch.testing.assert_close(said.eps, expected.eps)
        torch.testing.assert_close(said.x0, expected.x0)


def test_what_is_remembered_is_not_what_has_to_be_looked_at() -> None:
    """A run that takes predictions from a memory asks the model again, where somebody looks on."""
    memory, seen = Memory(), []
    for _ in range(2):
        spy = Spy()
        run(Act(2, spy, 1.0), kind=RememberingTrajectory, memory=memory)
        seen.append(spy.seen)
    assert seen[0] == seen[1] != []
