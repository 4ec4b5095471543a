"""The method protocol is wide enough for what is not AVI: one tiny method for each kind, under the full contract."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Prediction
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.steering import GuideInputs
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.methods.inputs import EditInputs
from attrbank.methods.needs import Meanwhile, Needs
from attrbank.methods.pairs import predict_clean_pairs
from attrbank.methods.protocol import LearnContext, Learned, Method
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.plugin.testing import MethodContract
from attrbank.samplers.ddim import DDIM
from attrbank.schema.stored import AttributeRecord

SOURCE = "a photo of a person"


class Pullback(Method):
    """Follow the gradient Jᵀd of the prediction along a learned direction d of the clean latent."""

    name = "pullback"

    def learn(self, context: LearnContext) -> Learned:
        source, target = predict_clean_pairs(context)
        return Learned({"direction": (target - source).mean(0)})

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None):
        def follow(x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
            if strength == 0:
                return x
            pulled = inputs.pull_back(x, tensors["direction"].expand_as(x))
            return x + strength * pulled / pulled.norm()

        return follow

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        return Needs(predictions=3)


class ShiftedBackbone:
    """Another backbone that points at a shifted x̂0, and goes back along the ε of the one inside."""

    def __init__(self, inner, shift: Tensor) -> None:
        self._inner, self._shift = inner, shift

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def predict(self, latent: Tensor, timestep: int, conditioning) -> Prediction:
        eps, x0 = self._inner.predict(latent, timestep, conditioning)
        return Prediction(eps, x0 + self._shift)


class Asymmetric:
    """Asyrp's asymmetric step over an interval, with a shift of x̂0 in the place of one of h."""

    name = "asymmetric"
    until = 0.25

    def learn(self, context: LearnContext) -> Learned:
        source, target = predict_clean_pairs(context)
        return Learned({"shift": (target - source).mean(0)})

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None):
        until = self.until

        class Steps:
            def __init__(self) -> None:
                self.until = until

            def through(self, backbone, strength: float):
                return ShiftedBackbone(backbone, strength * tensors["shift"]) if strength else backbone

        return Steps()


class Slider:
    """A low-rank change of one layer's weights, from T_x to the end."""

    name = "slider"

    def learn(self, context: LearnContext) -> Learned:
        rows, columns = context.trajectory.backbone.unet.time_embedding.linear_1.weight.shape
        generator = torch.Generator().manual_seed(context.spec.seeds[0])
        down, up = torch.randn(1, columns, generator=generator), torch.randn(rows, 1, generator=generator)
        return Learned({"down": down, "up": up})

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None):
        class Weights:
            until = 0.0

            def through(self, backbone, strength: float):
                changed = copy.copy(backbone)
                changed.unet = copy.deepcopy(backbone.unet)
                with torch.no_grad():
                    changed.unet.time_embedding.linear_1.weight += strength * tensors["up"] @ tensors["down"]
                return changed

        return Weights()


class Leaning:
    """Guidance towards another prompt over an interval, more of it at every step."""

    name = "leaning"
    until = 0.25

    def learn(self, context: LearnContext) -> Learned:
        return Learned({"size": torch.ones(1)})

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None):
        return Leans(self.until, record.pairs[0].target)

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        return Needs(meanwhile=Meanwhile(1, self.until))


class Leans:
    """Notes how far it has come, in ``seen``."""

    def __init__(self, until: float, prompt: str = "a photo of an old person", grows: float = 0.1) -> None:
        self.until, self.prompt, self.grows = until, prompt, grows
        self.seen: list[tuple[int, int]] = []

    def guide(self, strength: float):
        lean = 0

        def guide(prediction: Prediction, inputs: GuideInputs) -> Prediction:
            nonlocal lean
            lean += 1
            self.seen.append((lean, round(1000 * inputs.time)))
            eps, x0 = (said[0] for said in inputs.under([self.prompt]))
            share = self.grows * strength * lean
            return Prediction(torch.lerp(prediction.eps, eps, share), torch.lerp(prediction.x0, x0, share))

        return guide


class TestPullback(MethodContract):
    def make(self) -> Pullback:
        return Pullback()


class TestAsymmetric(MethodContract):
    def make(self) -> Asymmetric:
        return Asymmetric()


class TestLeaning(MethodContract):
    def make(self) -> Leaning:
        return Leaning()


class TestSlider(MethodContract):
    def make(self) -> Slider:
        return Slider()


def run(acts: Sequence[Act], *, steps: int = 8, on_step=lambda position: None):
    backbone = tiny_backbone()
    trajectory = Trajectory(backbone, DDIM(), grid=DDIM().grid(steps, backbone.schedule), guidance_scale=3.0)
    return run_edits(trajectory, SOURCE, [7], acts, on_step=on_step), trajectory


class Spy:
    """A model edit that notes the timesteps at which its backbone is asked."""

    def __init__(self, until: float) -> None:
        self.until, self.seen = until, []

    def through(self, backbone, strength: float):
        watched = ShiftedBackbone(backbone, torch.zeros(()))
        watched.predict = lambda latent, timestep, conditioning: (
            self.seen.append(timestep),
            backbone.predict(latent, timestep, conditioning),
        )[1]
        return watched


def test_a_guide_acts_on_its_interval_and_remembers_while_others_come_and_go() -> None:
    leans = Leans(until=0.25)
    _, trajectory = run([Act(2, leans, 1.0), Act(3, Spy(until=0.5), 1.0), Act(3, Leans(until=0.5), 1.0)])
    expected = [t for t, _ in trajectory.grid[2:] if t > 0.26 * 1000]
    assert leans.seen == list(enumerate(expected, 1))
    run([Act(2, leans, 1.0)])
    assert leans.seen[len(expected)][0] == 1  # another run begins afresh


def test_a_guide_that_says_what_the_prompt_says_is_that_prompt() -> None:
    """The share is 1 without guidance, so that the target prompt takes over from there."""
    backbone, target = tiny_backbone(), "a photo of an old person"
    plain = Trajectory(backbone, DDIM(), grid=DDIM().grid(8, backbone.schedule), guidance_scale=1.0)
    switch = plain.run(plain.run(plain.start([7]), plain.conditioning(SOURCE), 3), plain.conditioning(target)).latent

    class Once(Leans):
        def guide(self, strength: float):
            return lambda prediction, inputs: Prediction(*(said[0] for said in inputs.under([self.prompt])))

    edited = run_edits(plain, SOURCE, [7], [Act(3, Once(0.0, target), 1.0)]).after
    torch.testing.assert_close(edited, switch, atol=1e-5, rtol=1e-4)


def test_guides_follow_one_another_and_what_they_ask_for_is_counted() -> None:
    (before, both), together = run([Act(2, Leans(0.0), 1.0), Act(4, Leans(0.25), 1.0)])
    (_, one), alone = run([Act(2, Leans(0.0), 1.0)])
    assert not torch.equal(both, one)
    assert not torch.equal(one, before)
    assert alone.evaluations == 2 * (8 + 6) + 6
    assert together.evaluations == alone.evaluations + sum(t > 0.26 * 1000 for t, _ in together.grid[4:])


def test_a_guide_acts_on_what_is_remembered_and_what_it_asks_for_is_remembered() -> None:
    backbone, memory = tiny_backbone(), Memory()
    plan: dict[str, Any] = {"grid": DDIM().grid(8, backbone.schedule), "guidance_scale": 3.0}

    def edited(trajectory: Trajectory) -> Tensor:
        return run_edits(trajectory, SOURCE, [7], [Act(2, Leans(0.25), 1.0)]).after

    expected = edited(Trajectory(backbone, DDIM(), **plan))
    once, again = (RememberingTrajectory(backbone, DDIM(), memory=memory, **plan) for _ in range(2))
    once.run(once.start([7]), once.conditioning(SOURCE))  # so that every step of the unedited picture is known
    assert torch.equal(edited(once), expected)
    assert torch.equal(edited(again), expected)
    assert again.evaluations == 0


def test_a_model_edit_acts_from_its_step_until_its_time_and_nowhere_else() -> None:
    spy = Spy(until=0.25)
    _, trajectory = run([Act(2, spy, 1.0)])
    timesteps = [t for t, _ in trajectory.grid]
    assert spy.seen == [t for t in timesteps[2:] if t > 0.26 * 1000]


def test_model_edits_stack_and_end_on_their_own() -> None:
    early, late = Spy(until=0.5), Spy(until=0.0)
    _, trajectory = run([Act(1, early, 1.0), Act(3, late, 1.0)])
    timesteps = [t for t, _ in trajectory.grid]
    assert late.seen == timesteps[3:]
    assert early.seen == [t for t in timesteps[1:] if t > 510]


def test_an_asymmetric_step_moves_x0_and_keeps_the_noise() -> None:
    """With DDIM a shift of x̂0 over one step from ᾱ to ᾱ' adds √ᾱ' times the shift."""
    shift = torch.full((4, 16, 16), 0.5)
    edit = Asymmetric().edit(None, {"shift": shift})
    found, plain = {}, {}
    edit.until = 0.0
    (_, trajectory) = run([Act(7, edit, 1.0)], on_step=lambda p: found.setdefault(p.index, []).append(p.latent))
    run([], on_step=lambda p: plain.setdefault(p.index, p.latent))
    last = found[8][0]
    torch.testing.assert_close(last - plain[8], trajectory.alpha_bar(8) ** 0.5 * shift[None], atol=1e-5, rtol=1e-4)


def test_edits_of_the_latent_and_of_the_model_go_together() -> None:
    together, trajectory = run([Act(3, Spy(until=0.0), 1.0), Act(5, lambda x, inputs, strength: x + strength, 0.5)])
    alone, _ = run([Act(5, lambda x, inputs, strength: x + strength, 0.5)])
    assert torch.equal(together.after, alone.after)
    assert trajectory.evaluations == 2 * (8 + 5)
