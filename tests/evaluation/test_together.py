"""Several attributes at once: which pictures are made, and which need not be made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.editing.composition import run_edits
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.bench.cells import CellStore
from attrbank.evaluation.bench.setting import Setting
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.bench.together import Combination, Together, summed
from attrbank.evaluation.judges.clip_judge import ClipJudge
from attrbank.evaluation.judges.judge import Hearing
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.plugins.manager import load_plugins
from tests.helpers.measured import PROTOCOL
from tests.helpers.tiny_bench import SOURCE, FakeNetworks


def _subject(label: str, learned: LearnedAttribute) -> Subject:
    return Subject(label, label * 64, 1000, learned, "a photo of an old person")


@pytest.fixture(scope="session")
def later(backbone) -> LearnedAttribute:
    """Another attribute, which acts at another time."""
    options = {"seeds": (0, 1), "steps": 10, "guidance_scale": 3.0, "t_x": 0.2, "core": "mean"}
    spec = learn_spec("man", [SOURCE], ["a photo of a man"], **options)
    return learn_attribute(complete(spec, backbone), Avi(), backbone, load_plugins().sampler("ddim"), force=True)


@pytest.fixture(scope="session")
def graft(backbone) -> LearnedAttribute:
    """One with the paper's vectors, whose change depends on the latent."""
    spec = learn_spec("old", [SOURCE], ["a photo of an old person"], preset="paper", solver="exact", steps=10)
    return learn_attribute(complete(spec, backbone), Avi(), backbone, load_plugins().sampler("ddim"), force=True)


def _together(bench: Bench, *subjects: Subject, folder: Path | None = None) -> Together:
    judge = Hearing(ClipJudge(FakeNetworks(), SOURCE), subjects)
    return Together(Setting(subjects, bench, judge, PROTOCOL), CellStore(folder, PROTOCOL))


def _measured(together: Together, *combinations: Combination) -> int:
    """How many pictures had to be made."""
    made: list[str] = []
    together.measure(combinations, lambda stage, done, total: made.append(stage))
    return len(made)


def test_a_sequence_is_what_apply_makes(bench: Bench, learned: LearnedAttribute, later: LearnedAttribute) -> None:
    a, b = _subject("a", learned), _subject("b", later)
    together = _together(bench, a, b)
    acts = [bench.act(learned, 1.0), bench.act(later, 1.0)]
    applied = run_edits(bench.trajectory, SOURCE, bench.seeds, acts, with_before=False).after
    torch.testing.assert_close(together._latents(Combination((a, b))), applied)


def test_changes_that_do_not_depend_on_the_latent_are_measured_in_one_order_and_by_one_rule(
    bench: Bench, learned: LearnedAttribute
) -> None:
    mean = replace(learned, record=learned.record.model_copy(update={"core": "mean"}))
    a, b = _subject("a", mean), _subject("b", replace(mean))
    together = _together(bench, a, b)
    several = (Combination((a, b)), Combination((b, a)), Combination((a, b), "sum"))
    assert _measured(together, *several) == 1
    assert together.cell(several[0]) is together.cell(several[2])
    torch.testing.assert_close(together._latents(several[0]), together._latents(several[2]), rtol=0, atol=1e-3)
    assert _measured(together, Combination((a, b), "root")) == 1


def test_the_order_of_changes_that_do_depend_on_it_is_measured(
    bench: Bench, learned: LearnedAttribute, graft: LearnedAttribute
) -> None:
    a, b = _subject("a", graft), _subject("b", graft)
    assert _measured(_together(bench, a, b), Combination((a, b)), Combination((b, a)), Combination((a, b), "sum")) == 3


def test_times_decide_the_order_where_they_differ(
    bench: Bench, learned: LearnedAttribute, later: LearnedAttribute
) -> None:
    a, b = _subject("a", learned), _subject("b", later)
    together = _together(bench, a, b)
    assert _measured(together, Combination((b, a)), Combination((a, b))) == 1
    assert together.cell(Combination((b, a))).attribute == f"{a.id}+{b.id}"
    assert _measured(together, Combination((a, b), "sum")) == 1  # all at the first time is something else


def test_the_rule_of_roots_adds_the_same_changes_weaker(bench: Bench, learned: LearnedAttribute) -> None:
    acts = [bench.act(learned, 1.0)] * 4
    full, root = (summed(bench, acts, share) for share in (1.0, 0.5))
    assert full.index == root.index == acts[0].index
    torch.testing.assert_close(bench.change(full), 4 * bench.change(acts[0]), rtol=0, atol=1e-4)
    torch.testing.assert_close(2 * bench.change(root), bench.change(full), rtol=0, atol=1e-4)


def test_what_was_measured_before_is_not_measured_again(
    bench: Bench, learned: LearnedAttribute, later: LearnedAttribute, tmp_path: Path
) -> None:
    a, b = _subject("a", learned), _subject("b", later)
    combinations = (Combination((a,)), Combination((b,)), Combination((a, b)))
    first = _together(bench, a, b, folder=tmp_path)
    assert _measured(first, *combinations) == 3
    second = _together(bench, a, b, folder=tmp_path)
    assert _measured(second, *combinations) == 0
    assert second.cell(combinations[2]) == first.cell(combinations[2])
