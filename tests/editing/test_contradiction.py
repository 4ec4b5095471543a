"""A prompt that says the opposite of an attribute: what is against it, and how the edited picture goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import encode
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.acting import ready
from attrbank.editing.composition import Act, run_edits
from attrbank.editing.contradiction import are_opposites, opposed_to, said_of, without
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.evaluation.bench.bench import Bench
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.inputs import EditInputs
from attrbank.names import Asked
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import PromptPair
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from tests.helpers.artifacts import RECORD

SOURCE, AGAINST, LEFT = "a photo of a person", "a photo of a young person", "a photo of a person"


def record(*pairs: tuple[str, str]) -> AttributeRecord:
    known = tuple(PromptPair(source=source, target=target) for source, target in pairs)
    return AttributeRecord.model_validate({**RECORD, "pairs": [pair.model_dump() for pair in known]})


@pytest.mark.parametrize(
    ("pair", "for_it", "against_it"),
    [
        (("a serious man", "a smiling man"), ("serious",), ("smiling",)),
        (("a photo of an old man", "a photo of a young man"), ("old",), ("young",)),
        (("a man, without a hat", "a man, with a hat"), ("without a hat",), ("with a hat",)),
        (("a photo of a woman", "a photo of a man"), ("woman",), ("man",)),
        (("a photo of a person", "a photo of a man"), ("woman",), ("man",)),
        (("a photo of a person", "a photo of a young person"), ("old",), ("young",)),
        (("a photo of a person", "a photo of a person, with glasses"), ("without glasses",), ("with glasses",)),
        (("a serious man", "a serious man, old"), ("young",), ("old",)),
        (("a person", "a person with a beard"), (), ("with a beard",)),
    ],
)
def test_what_is_against_an_attribute_is_what_its_target_says_otherwise(pair, for_it, against_it) -> None:
    assert opposed_to(record(pair), 1.0) == for_it
    assert opposed_to(record(pair), -0.5) == against_it
    assert opposed_to(record(pair), 0.0) == ()


NEUTRAL = "a photo of a person"
YOUNG, OLD, MAN = (record((NEUTRAL, f"a photo of {who}")) for who in ("a young person", "an old person", "a man"))
SMILE, BEARD = record((NEUTRAL, f"{NEUTRAL}, smiling")), record(("a man, without a beard", "a man, with a beard"))


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        (YOUNG, OLD, True),
        (record(("an old man", "a young man")), record(("a young man", "an old man")), True),
        (record(("an old man", "a young man")), OLD, True),
        (YOUNG, SMILE, False),
        (MAN, BEARD, False),  # a beard's prompts say "man" on both sides, and take nothing of it back
        (YOUNG, YOUNG, False),
    ],
)
def test_opposites_go_to_what_is_against_each_other(one: AttributeRecord, other: AttributeRecord, are: bool) -> None:
    assert are_opposites(one, other) is are_opposites(other, one) is are


@pytest.mark.parametrize(
    ("prompt", "phrase", "left"),
    [
        ("a photo of a serious man", "serious", "a photo of a man"),
        ("a photo of an old person, smiling", "old", "a photo of a person, smiling"),
        ("a photo of a young old man", "young", "a photo of an old man"),
        ("a person, without  a hat, smiling", "without a hat", "a person, smiling"),
        ("a person without glasses", "without glasses", "a person"),
        ("A photo of a Woman", "woman", "A photo of a person"),
        ("a photo of a dog", "dog", "a photo of an animal"),
        ("a photo of an elderly lady", "lady", "a photo of an elderly person"),
        ("a laughing man, in a red hat", "in a red hat", "a laughing man"),
        ("a person, with short hair", "short", "a person, with hair"),
        ("old", "old", ""),
        ("a bold  man", "old", "a bold  man"),
    ],
)
def test_a_prompt_reads_well_without_it(prompt: str, phrase: str, left: str) -> None:
    assert without(prompt, [phrase]) == left
    assert bool(said_of(prompt, [phrase])) == (left != prompt)


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="module")
def learned(backbone):
    """*old*, whose second pair knows what is against it."""
    pairs = [SOURCE, "a photo of a young man"], ["a photo of an old person", "a photo of an old man"]
    spec = learn_spec("old", *pairs, seeds=(0, 1), steps=5, guidance_scale=1.0, core="mean")
    return learn_attribute(complete(spec, backbone), Avi(), backbone, DDIM())


def add(x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
    return x + strength


def trajectory(backbone) -> Trajectory:
    return Trajectory(backbone, DDIM(), grid=DDIM().grid(5, backbone.schedule), guidance_scale=1.0)


def test_once_it_has_acted_the_edited_picture_goes_on_without_what_is_against_it(backbone) -> None:
    run = trajectory(backbone)
    before, after = run_edits(run, AGAINST, (7,), [Act(2, add, 0.5, (3,), opposed=("young",))])
    against, left = run.conditioning(AGAINST), run.conditioning(LEFT)
    position = run.run(run.start((7,)), against, 2)
    assert torch.equal(before, run.run(position, against).latent)
    position = run.run(position.edited(position.latent + 0.5), against, 3)  # it has a turn to come
    assert torch.equal(after, run.run(position.edited(position.latent + 0.5), left).latent)


def test_what_several_have_against_them_is_left_out_together(backbone) -> None:
    run, prompt = trajectory(backbone), "a young photo of a sad person"
    acts = [Act(2, add, 0.5, opposed=("young",)), Act(3, add, 0.5, opposed=("sad",))]
    after = run_edits(run, prompt, (7,), acts, with_before=False).after
    position = run.run(run.start((7,)), run.conditioning(prompt), 2)
    position = run.run(position.edited(position.latent + 0.5), run.conditioning("a photo of a sad person"), 3)
    assert torch.equal(after, run.run(position.edited(position.latent + 0.5), run.conditioning(LEFT)).latent)


def test_an_evaluation_sees_what_apply_makes_and_strength_0_leaves_every_bit(learned, backbone) -> None:
    bench = Bench(backbone, AGAINST, (10_000,), steps=5, guidance_scale=1.0)
    for strength in (0.0, 0.7):
        act = bench.act(learned, strength)
        assert act.opposed == (("young",) if strength else ())
        made = run_edits(bench.trajectory, AGAINST, (10_000,), [act])
        assert torch.equal(bench.edited([act]), made.after)
        assert torch.equal(made.before, made.after) == (strength == 0)
    assert ready(learned, -1.0).opposed == ("old",)


@pytest.mark.parametrize(
    ("prompt", "strength", "warned"),
    [(AGAINST, 1.0, True), (AGAINST, -1.0, False), (AGAINST, 0.0, False), (SOURCE, 1.0, False), (None, 1.0, False)],
)
def test_the_plan_says_so_before_anything_is_loaded(
    prompt, strength, warned, learned, tiny_pipeline: Path, tmp_path: Path
) -> None:
    Bank(tmp_path / "bank").add(encode(learned))
    asked = {"bank": tmp_path / "bank", "backbone": str(tiny_pipeline), "prompt": prompt, "steps": 5}
    planned = plan(ApplyRequest(references=(Asked("old", strength),), **asked))
    found = [warning for warning in planned.warnings if "against old" in warning]
    assert bool(found) is warned
    if warned:
        assert "says 'young' against old" in found[0]
        assert f"goes on under {LEFT!r}" in found[0]
