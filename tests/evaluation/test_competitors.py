"""Every competitor does what its name says, from the same noise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.errors import IncompatibleError, InvalidValueError, StorageError
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.competitor import Competitor
from attrbank.evaluation.bench.competitors import ATTRIBUTE, BASELINES, CORES, chosen
from attrbank.evaluation.bench.rival_edits import RandomDirection
from attrbank.evaluation.bench.shelf import LEARNINGS, Shelf
from attrbank.methods import distilling
from attrbank.plugins.manager import load_plugins
from tests.helpers.tiny_bench import TARGET

NAMED = {competitor.name: competitor for competitor in (ATTRIBUTE, *BASELINES, *CORES, *chosen(["text-direction"])[1:])}


@pytest.mark.parametrize("name", ["attribute", "interpolation", "latent-blend", "s_z"])
def test_strength_zero_leaves_the_pictures_alone(bench: Bench, subject, name: str):
    torch.testing.assert_close(NAMED[name].latents(bench, subject, 0.0), bench.unedited, atol=1e-5, rtol=0)


def test_a_whole_interpolation_is_the_target_prompt(bench: Bench, subject):
    target = NAMED["target-prompt"].latents(bench, subject, 1.0)
    assert torch.equal(NAMED["interpolation"].latents(bench, subject, 1.0), target)
    nearly = NAMED["interpolation"].latents(bench, subject, 1 - 1e-6)
    torch.testing.assert_close(nearly, target, atol=1e-3, rtol=1e-3)


def test_a_whole_blend_is_a_switch_back_to_the_source(bench: Bench, subject):
    index = bench.index_of(subject.learned.record.t_x)
    z = bench.runs.at(TARGET, index).branched()
    expected = bench.trajectory.run(z, bench.runs.conditioning(bench.prompt)).latent
    torch.testing.assert_close(NAMED["latent-blend"].latents(bench, subject, 1.0), expected)


def test_an_earlier_switch_changes_more(bench: Bench, subject):
    change = [
        (NAMED["prompt-switch"].latents(bench, subject, time) - bench.unedited).norm() for time in (0.4, 0.6, 0.9)
    ]
    assert change == sorted(change)


def test_the_placebo_moves_each_latent_as_far_as_the_attribute():
    x = torch.randn(3, 4, 8, 8)
    direction = torch.arange(3.0)[:, None, None, None] * torch.randn(1, 4, 8, 8)
    placebo = RandomDirection(lambda x, inputs, s: x + s * direction, torch.randn(4, 8, 8))
    moved = placebo(x, None, 0.5) - x
    torch.testing.assert_close(moved.flatten(1).norm(dim=1), 0.5 * direction.flatten(1).norm(dim=1))
    assert torch.cosine_similarity(moved[1], direction[1], dim=0).abs().mean() < 0.5


def test_a_core_is_measured_only_if_apply_does_not_take_it_anyway(subject):
    own = subject.learned.record.core
    fitting = {core for core in ("mean", "mlp", "conv", "own") if NAMED[core].fits(subject)}
    assert fitting == {"mean", "mlp", "conv", "own"} - {own}


def test_the_papers_preset_is_learned_once_and_from_one_seed(bench: Bench, subject, monkeypatch):
    asked = []

    def learn(spec, *others, **options):
        asked.append(spec)
        return subject.learned

    monkeypatch.setattr("attrbank.evaluation.bench.relearned.learn_attribute", learn)
    (_, paper) = chosen(["paper"])
    for _ in range(2):
        paper.prepare(bench, subject)
    (spec,) = asked
    assert (spec.vectors, len(spec.seeds), spec.pairs[0].target) == ("paper", 1, TARGET)


def test_shares_stay_between_nothing_and_everything(subject):
    assert NAMED["interpolation"].strengths((-1, 0.5, 2), subject, quick=False) == (0.5,)
    assert NAMED["attribute"].strengths((2, -1, 0.5), subject, quick=False) == (-1, 0.5, 2)
    assert NAMED["prompt-switch"].strengths((0.5,), subject, quick=False) == (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def test_paper_attributes_are_swept_as_shares(learned: LearnedAttribute, subject):
    record = learned.record.model_copy(update={"vectors": "paper"})
    paper = type(subject)("old", "1" * 64, 1000, LearnedAttribute(record, learned.tensors), TARGET, "old")
    assert max(NAMED["attribute"].strengths(None, paper, quick=False)) == 1.0


def test_the_attribute_comes_first_and_nobody_twice():
    names = [competitor.name for competitor in chosen(["baselines", "paper", "target-prompt"], ["avi"])]
    assert names[0] == "attribute"
    assert names[-2:] == ["paper", "method:avi"]
    assert len(set(names)) == len(names)
    assert [c.name for c in chosen(["none"])] == ["attribute"]


def test_an_unknown_competitor_is_refused_with_those_there_are():
    with pytest.raises(InvalidValueError) as refused:
        chosen(["nobody"])
    assert "prompt-switch" in str(refused.value.hint)


def test_a_competitor_must_say_how():
    with pytest.raises(NotImplementedError):
        Competitor("lazy").latents(None, None, 1.0)


def test_a_text_direction_is_compared_only_where_words_can_be_found(tiny_sd3: Path, bench: Bench) -> None:
    direction = NAMED["text-direction"]
    assert direction.runs_on(bench.backbone)
    assert not direction.runs_on(load_plugins().backbone(str(tiny_sd3)))


def test_a_text_direction_is_learned_from_the_attributes_pairs(bench: Bench, subject, monkeypatch) -> None:
    monkeypatch.setattr(distilling, "STEPS", 2)
    (_, direction) = chosen(["text-direction"])
    assert direction.fits(subject)
    direction.prepare(bench, subject)
    half, whole = (direction.latents(bench, subject, strength) - bench.unedited for strength in (0.5, 1.0))
    assert 0 < half.norm() < whole.norm()


def test_methods_are_competitors_with_each_core_that_fits_and_not_the_attributes_own(bench: Bench, subject):
    found = {c.name: c for c in chosen(["methods"])}
    assert not found["method:avi"].fits(subject)
    assert found["method:text"].fits(subject)
    names = [each.name for each in found["method:text"].expanded(bench, subject)]
    assert names == ["method:text/mean", "method:text/distil"]


def test_a_method_asked_for_by_name_is_no_guest(bench: Bench, subject):
    (_, own) = chosen(["none"], ["avi"])
    assert own.fits(subject)
    (_, text) = chosen(["none"], ["text/mean"])
    assert [each.core for each in text.expanded(bench, subject)] == ["mean"]
    with pytest.raises(InvalidValueError, match="no core"):
        chosen(["none"], ["text/none"])


def test_a_guest_that_does_not_fit_says_why_and_one_that_is_asked_for_fails(tiny_sd3: Path, bench: Bench, subject):
    elsewhere = Bench(load_plugins().backbone(str(tiny_sd3)), bench.prompt, (10_000,), steps=4)
    guest = next(c for c in chosen(["methods"]) if c.name == "method:text")
    assert "text" in str(guest.unsuited(elsewhere, subject))
    (_, asked) = chosen(["none"], ["text"])
    assert asked.unsuited(elsewhere, subject) is None
    with pytest.raises(IncompatibleError):
        asked.prepare(elsewhere, subject)


def test_a_method_learns_from_no_more_seeds_than_the_attribute_did(bench: Bench, subject, monkeypatch):
    monkeypatch.setattr(distilling, "STEPS", 2)
    (_, text) = chosen(["none"], ["text/mean"])
    text.prepare(bench, subject)
    learning = text.learning(subject)
    assert learning is not None
    assert learning.seeds == len(subject.learned.record.seeds)
    assert learning.size_bytes > 1000


def test_what_was_learned_is_on_the_shelf_also_for_the_next_evaluation(bench, subject, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(distilling, "STEPS", 2)
    (_, text) = chosen(["none"], ["text/mean"], Shelf(tmp_path))
    text.prepare(bench, subject)
    monkeypatch.setattr("attrbank.evaluation.bench.relearned.learn_attribute", None)
    (_, again) = chosen(["none"], ["text/mean"], Shelf(tmp_path))
    again.prepare(bench, subject)
    assert again.learning(subject) == text.learning(subject)
    assert torch.equal(again.latents(bench, subject, 1.0), text.latents(bench, subject, 1.0))


def test_a_shelf_that_somebody_spoiled_is_not_believed(tmp_path: Path):
    (tmp_path / LEARNINGS).write_text("{}nonsense")
    with pytest.raises(StorageError):
        Shelf(tmp_path)
