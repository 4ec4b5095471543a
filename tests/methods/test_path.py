"""The core ``path``: a share of the way that the picture itself would go, and what has come of it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from attrbank.avi.own_difference import places
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Guidance
from attrbank.diffusion.towards import predict_towards
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.composition import Act, run_edits
from attrbank.methods.path import PathEdit
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import PromptPair
from tests.helpers.answering import Answering

SOURCE, TARGET, OTHER, AGAIN = "a photo of a person", "a photo of an old person", "a photo of a man", "a man with a hat"
OLD = PromptPair(source=SOURCE, target=TARGET)
HAT = PromptPair(source=SOURCE, target=AGAIN)
STEPS = 20
TIMES = tuple(range(8, STEPS))
SHAPE = (4, 16, 16)


def block(rows: slice, columns: slice, level: float = 1.0) -> Tensor:
    """A way that lies in one place."""
    way = torch.zeros(SHAPE)
    way[:, rows, columns] = level
    return way


FACE = block(slice(4, 10), slice(4, 10))
"""Where one attribute changes the picture."""


def answering(
    response: float = 1.0, *, guidance_scale: float = 1.0, guidance: Guidance = "classifier-free", **levels: Tensor
) -> Trajectory:
    """A run on a model that answers the source prompt with a response, and others with what they draw alone."""
    grid, ground = DDIM().grid(STEPS, tiny_backbone().schedule), 0.3 * torch.ones(SHAPE)
    ways = {SOURCE: torch.zeros(SHAPE), TARGET: FACE, "": torch.zeros(SHAPE), OTHER: 0.2 * torch.ones(SHAPE), **levels}
    noise = torch.randn((1, *SHAPE), generator=torch.Generator().manual_seed(7))
    responses = dict.fromkeys((SOURCE, ""), response)
    made = {prompt: ground + way for prompt, way in ways.items()}
    model = Answering(made, responses, noise, grid[0][0], guidance)
    return Trajectory(model, DDIM(), grid=grid, guidance_scale=guidance_scale)


def acting(edit, strength: float = 1.0, times: Sequence[int] = TIMES) -> Act:
    return Act(times[0], edit, strength, tuple(times[1:]))


def path(*pairs: PromptPair, times: Sequence[int] = TIMES, strength: float = 1.0) -> Act:
    return acting(PathEdit(pairs or (OLD,), len(times), 1.0), strength, times)


def adding(amount: float, times: Sequence[int] = TIMES) -> Act:
    """Adds a share of the way at each of its times, and looks at nothing."""
    return acting(lambda x, inputs, strength: x + inputs.alpha_bar**0.5 * amount * FACE, 1.0, times)


def change(trajectory: Trajectory, *acts: Act, prompt: str = SOURCE) -> Tensor:
    """What edits change of the finished picture, as a clean latent (C, H, W)."""
    before, after = run_edits(trajectory, prompt, [7], acts)
    assert before is not None
    schedule = trajectory.backbone.schedule
    return (after - before)[0] / schedule.alpha_bar(trajectory.grid[-1][1]) ** 0.5


def shares(found: Tensor, way: Tensor = FACE) -> Tensor:
    """How much of a way is there, in the places where the mask is whole."""
    inside = (places(way[None])[0] > 0.999).expand_as(way)
    return (found / way)[inside]


def expected(share: float, response: float, times: Sequence[int] = TIMES, *, looks: bool = True) -> float:
    """What such a model makes of it, number by number: DDIM, and at each time what is missing is added."""
    schedule, moved, shown = tiny_backbone().schedule, 0.0, 0.0
    for index, (t, t_prev) in enumerate(DDIM().grid(STEPS, schedule)):
        noisiness = [((1 - a) / a) ** 0.5 for a in map(schedule.alpha_bar, (t, t_prev))]
        moved += times.count(index) * (share - shown if looks else share)
        shown = response * moved
        moved = shown + noisiness[1] / noisiness[0] * (moved - shown)
    return moved


class TestKnownAnswers:
    """On a model whose answers are chosen."""

    @pytest.mark.parametrize("share", [-0.5, 0.3, 1.0])
    @pytest.mark.parametrize("response", [0.0, 0.3, 0.7, 1.0, 1.1, 1.5])
    def test_a_share_of_the_way_is_what_the_model_is_brought_to_whatever_it_makes_of_a_move(
        self, share: float, response: float
    ) -> None:
        found = shares(change(answering(response), path(strength=share)))
        assert torch.allclose(found, torch.full_like(found, expected(share, response)), atol=2e-3)

    @pytest.mark.parametrize("response", [0.6, 0.8, 1.0, 1.1, 1.2])
    def test_within_a_fifth_of_it_where_the_model_takes_most_of_a_move(self, response: float) -> None:
        found = shares(change(answering(response), path(strength=0.5)))
        assert torch.allclose(found, torch.full_like(found, 0.5), rtol=0.2)

    def test_half_of_the_strength_is_half_of_the_way(self) -> None:
        whole, half = (change(answering(0.7), path(strength=strength)) for strength in (1.0, 0.5))
        assert torch.allclose(half, whole / 2, atol=1e-3)

    def test_a_picture_that_jumps_is_held_back(self) -> None:
        run = answering(1.5)
        assert shares(change(run, adding(1.0, (8,)))).min() > 1.8
        assert shares(change(run, path())).max() < 1.2

    def test_a_move_is_made_where_most_of_the_way_lies(self) -> None:
        thin = FACE + 0.05
        found = change(answering(1.0, **{TARGET: thin}), path(times=(8,)))
        assert found[:, 13:, 13:].abs().max() < 0.05 * 0.01
        assert torch.allclose(shares(found, thin), torch.ones(1), atol=1e-3)

    def test_times_that_share_a_step_of_a_coarse_grid_do_not_move_it_twice(self) -> None:
        run = answering(1.0)
        once = shares(change(run, path(times=(8, 12))))
        assert torch.allclose(shares(change(run, path(times=(8, 8, 12, 12, 12)))), once, atol=1e-3)
        assert torch.allclose(once, torch.ones(1), atol=1e-3)

    def test_several_pairs_take_turns(self) -> None:
        asked = []

        class Spying(Answering):
            def encode_prompts(self, prompts):
                asked.extend(prompts)
                return super().encode_prompts(prompts)

        run = answering(1.0, **{AGAIN: 2 * FACE})
        run.backbone.__class__ = Spying
        pairs = (OLD, HAT)
        assert torch.allclose(shares(change(run, path(*pairs, times=(8, 10)))), 2 * torch.ones(1), atol=2e-3)
        assert torch.allclose(shares(change(run, path(*pairs, times=(8, 10, 12)))), torch.ones(1), atol=2e-3)
        assert {TARGET, AGAIN} <= set(asked)


class TestTogether:
    """With other edits: nobody undoes what another wants."""

    @pytest.mark.parametrize("times", [TIMES, tuple(range(9, STEPS, 2)), (8, 8, 12, 12, 15)])
    @pytest.mark.parametrize("count", [2, 3])
    def test_attributes_of_one_place_add_up(self, times: tuple[int, ...], count: int) -> None:
        targets = [TARGET, AGAIN, OTHER][:count]
        levels = {target: (number + 1) * FACE for number, target in enumerate(targets)}
        pairs = [PromptPair(source=SOURCE, target=target) for target in targets]
        acts = [path(pairs[0]), *(path(pair, times=times, strength=-0.5) for pair in pairs[1:])]
        found = shares(change(answering(1.0, **levels), *acts))
        total = 1.0 - 0.5 * sum(range(2, count + 1))
        assert torch.allclose(found, torch.full_like(found, total), atol=0.02)

    def test_places_that_overlap_in_part_have_the_sum_of_both(self) -> None:
        levels = {TARGET: FACE, AGAIN: block(slice(7, 13), slice(4, 10), -2.0)}
        run = answering(1.0, **levels)
        alone = [change(run, path(pair)) for pair in (OLD, HAT)]
        assert torch.allclose(change(run, path(OLD), path(HAT)), sum(alone), atol=0.02)

    @pytest.mark.parametrize("at", [6, 8, 13])
    @pytest.mark.parametrize("first", [True, False])
    def test_what_acts_once_stays(self, at: int, first: bool) -> None:
        run = answering(1.0)
        once = adding(0.7, (at,))
        found = shares(change(run, *((once, path()) if first else (path(), once))))
        assert torch.allclose(found, torch.full_like(found, 1.7), atol=2e-3)

    @pytest.mark.parametrize("response", [0.5, 1.0])
    @pytest.mark.parametrize("amount", [-0.2, 0.2])
    def test_what_adds_a_little_at_a_time_is_neither_undone_nor_made_more(self, response: float, amount: float) -> None:
        """What comes of that is not all that was added, so a path that meets it moves without looking back."""
        run = answering(response)
        acts = {"both": (adding(amount), path()), "little": (adding(amount),), "path": (path(),)}
        both, little, alone = (shares(change(run, *acts[name])) for name in ("both", "little", "path"))
        assert ((both - little) > (0.99 if response == 1 else 0.0) * alone).all()
        assert ((both - little) <= alone + 0.01).all()

    def test_what_changes_the_model_is_not_undone(self) -> None:
        class Lifted:
            until = 0.0

            def through(self, backbone, strength: float):
                return Raised(backbone, strength)

        class Raised:
            def __init__(self, inner, by: float) -> None:
                self._inner, self._by = inner, by

            def __getattr__(self, name: str):
                return getattr(self._inner, name)

            def predict(self, latent, timestep, conditioning):
                said, alpha_bar = self._inner.predict(latent, timestep, conditioning), self.schedule.alpha_bar(timestep)
                x0 = said.x0 + self._by * FACE
                return type(said)((latent - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5, x0)

        run = answering(1.0)
        acts = {"both": (Act(8, Lifted(), 0.1), path()), "lifted": (Act(8, Lifted(), 0.1),), "path": (path(),)}
        both, lifted, alone = (shares(change(run, *acts[name])) for name in ("both", "lifted", "path"))
        assert lifted.min() > 0.15
        assert torch.allclose(both - lifted, alone, atol=0.01)


class TestTowards:
    """What the model says of the picture that goes all the way."""

    @staticmethod
    def somewhere(guidance_scale: float, guidance: Guidance = "classifier-free") -> tuple[Trajectory, Position]:
        model = tiny_backbone() if guidance == "classifier-free" else Embedding(tiny_backbone())
        run = Trajectory(model, DDIM(), grid=DDIM().grid(10, model.schedule), guidance_scale=guidance_scale)
        return run, run.run(run.start([3, 4]), run.conditioning(SOURCE), 4)

    @pytest.mark.parametrize(
        ("guidance_scale", "guidance"), [(3.0, "classifier-free"), (1.0, "classifier-free"), (3.0, "embedded")]
    )
    def test_under_the_pairs_source_it_is_the_target_prompts_prediction(self, guidance_scale, guidance) -> None:
        run, here = self.somewhere(guidance_scale, guidance)
        rows = run.evaluations
        said = predict_towards(run, here, SOURCE, SOURCE, TARGET)
        each = 2 if (guidance_scale, guidance) == (3.0, "classifier-free") else 1
        assert run.evaluations - rows == each * 2
        for found, wanted in zip(said, run.predict(here, run.conditioning(TARGET)), strict=True):
            assert torch.equal(found, wanted)

    @pytest.mark.parametrize(
        ("guidance_scale", "guidance"), [(3.0, "classifier-free"), (1.0, "classifier-free"), (3.0, "embedded")]
    )
    def test_under_another_prompt_the_pairs_change_is_added_as_strongly_as_guidance_is(
        self, guidance_scale, guidance
    ) -> None:
        run, here = self.somewhere(guidance_scale, guidance)
        guided = (guidance_scale, guidance) == (3.0, "classifier-free")
        rows = run.evaluations
        said = predict_towards(run, here, OTHER, SOURCE, TARGET)
        assert run.evaluations - rows == 2 * (4 if guided else 3)

        def alone(prompt: str):
            plain = Trajectory(run.backbone, DDIM(), grid=run.grid, guidance_scale=1.0 if guided else guidance_scale)
            return plain.predict(here, plain.conditioning(prompt))

        empty, own, source, target = (alone(prompt) for prompt in ("", OTHER, SOURCE, TARGET))
        for number, found in enumerate(said):
            apart = target[number] - source[number]
            wanted = empty[number] + 3.0 * (own[number] - empty[number] + apart) if guided else own[number] + apart
            assert torch.allclose(found, wanted, atol=1e-4)

    def test_a_negative_prompt_stays_what_the_picture_is_led_from(self) -> None:
        run, here = self.somewhere(3.0)
        led = Trajectory(run.backbone, DDIM(), grid=run.grid, guidance_scale=3.0, negative_prompt=OTHER)
        said = predict_towards(led, here, SOURCE, SOURCE, TARGET)
        assert torch.equal(said.x0, led.predict(here, led.conditioning(TARGET)).x0)
        assert not torch.allclose(said.x0, predict_towards(run, here, SOURCE, SOURCE, TARGET).x0)


class Embedding:
    """A model that is handed its guidance as an input."""

    guidance = "embedded"

    def __init__(self, inner) -> None:
        self._inner = inner

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def predict(self, latent, timestep, conditioning):
        scale = conditioning["guidance_scale"].view(-1, 1, 1, 1)
        rest = {name: tensor for name, tensor in conditioning.items() if name != "guidance_scale"}
        said = self._inner.predict(latent, timestep, rest)
        return type(said)(said.eps * scale / 3, said.x0 * scale / 3)


class TestOnANetwork:
    """A random network, which nobody has chosen."""

    @staticmethod
    def run(steps: int = 10, guidance_scale: float = 3.0) -> Trajectory:
        model = tiny_backbone()
        return Trajectory(model, DDIM(), grid=DDIM().grid(steps, model.schedule), guidance_scale=guidance_scale)

    def test_strength_0_changes_no_bit_and_asks_for_nothing(self) -> None:
        run = self.run()
        before, after = run_edits(run, SOURCE, [7, 8], [path(times=(3, 5, 8), strength=0.0)])
        assert torch.equal(before, after)
        assert run.evaluations == 2 * 2 * (10 + 10 - 3)

    @pytest.mark.parametrize("guidance_scale", [3.0, 1.0])
    def test_where_the_target_says_what_the_source_says_long_steps_move_nothing(self, guidance_scale: float) -> None:
        same = PathEdit((PromptPair(source=SOURCE, target=SOURCE),), 3, 1.0)
        before, after = run_edits(self.run(20, guidance_scale), SOURCE, [7, 8], [acting(same, 1.0, (3, 9, 15))])
        assert torch.equal(before, after)

    def test_all_the_way_in_steps_of_one_is_the_target_prompts_own_run(self) -> None:
        run, reached = self.run(), []

        def spying(x: Tensor, inputs, strength: float) -> Tensor:
            beside, towards = inputs.beside(), inputs.towards

            class Seen:
                alpha_bar, turn, memory, gone = inputs.alpha_bar, inputs.turn, inputs.memory, inputs.gone

                def beside(self):
                    return beside

                def towards(self, latent, pair):
                    reached.append(latent)
                    return towards(latent, pair)

            return PathEdit((OLD,), 5, 1.0)(x, Seen(), strength)

        run_edits(run, SOURCE, [7], [acting(spying, 1.0, (3, 4, 5, 6, 7))])
        position = run.run(run.start([7]), run.conditioning(SOURCE), 3)
        for latent, index in zip(reached, range(3, 8), strict=True):
            there = run.run(position, run.conditioning(TARGET), index)
            assert torch.allclose(latent, there.latent, atol=1e-4)
        assert all(not torch.equal(one, other) for one, other in pairwise(reached))
