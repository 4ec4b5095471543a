"""An attribute from pairs of pictures: docs/method.md 5.1 with encoded pictures for predicted latents."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from attrbank.attribute.artifact import decode, encode
from attrbank.avi.difference import difference_from
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.names import Asked
from attrbank.pictures.find import matched
from attrbank.pictures.frame import encoded, picture_size
from attrbank.pictures.read import read_image
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import PictureFiles
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from tests.cli.conftest import (
    RECORD,
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)


@pytest.fixture(scope="module")
def backbone(tiny_pipeline: Path):
    return load_plugins().backbone(str(tiny_pipeline))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> tuple[PictureFiles, ...]:
    folder, random = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    for side in ("a", "b"):
        (folder / side).mkdir()
        for number in range(3):
            pixels = random.integers(0, 255, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / side / f"{number}.png")
    return matched(folder / "a", folder / "b")


def learned(backbone, pairs, **options):
    spec = complete(learn_spec("old", [], [], pictures=pairs, steps=10, **options), backbone)
    return learn_attribute(spec, Avi(), backbone, DDIM())


def test_one_pair_at_full_rank_is_the_difference_of_its_latents_at_the_signal_of_t_x(backbone, pairs):
    attribute = learned(backbone, pairs[:1], rank=16)
    size = picture_size(backbone)
    source, target = (encoded(backbone, read_image(p), size) for p in (pairs[0].source, pairs[0].target))
    expected = attribute.record.resolved.alpha_bar_x**0.5 * (target - source)[0]
    edit = Avi().edit(attribute.record, attribute.tensors, "mean")
    moved = edit(torch.zeros(1, 4, 16, 16), None, 1.0)[0]
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=1e-4)


def test_several_pairs_give_their_mean_and_a_network(backbone, pairs):
    attribute = learned(backbone, pairs, rank=16)
    size, alpha_bar = picture_size(backbone), attribute.record.resolved.alpha_bar_x
    differences = [
        alpha_bar**0.5 * (encoded(backbone, read_image(p.target), size) - encoded(backbone, read_image(p.source), size))
        for p in pairs
    ]
    vectors = Avi().edit(attribute.record, attribute.tensors, "mlp").vectors
    mean = attribute.tensors["mean.u"] @ torch.diag_embed(attribute.tensors["mean.core"]) @ attribute.tensors["mean.vh"]
    torch.testing.assert_close(mean, torch.cat(differences).mean(0), atol=1e-4, rtol=1e-4)
    assert difference_from(vectors, torch.zeros(4, 8, 8)).shape == (4, 16, 16)


@pytest.mark.parametrize("model", ["tiny_ddpm", "tiny_ldm", "tiny_pipeline_xl", "tiny_sd3", "tiny_flux"])
def test_every_kind_of_model_learns_from_pictures_and_edits_pictures(model, pairs, tmp_path, request):
    reference, bank = str(request.getfixturevalue(model)), tmp_path / "bank"
    learn(learn_spec("old", [], [], pictures=pairs, steps=5), backbone=reference, bank=bank)
    options = {"image": pairs[0].source, "bank": bank, "backbone": reference, "steps": 5, "output": tmp_path / "o.png"}
    applied = apply(ApplyRequest(references=(Asked("old"),), **options))
    assert applied.unet_evaluations == applied.plan.unet_evaluations
    assert applied.after.shape == (3, 40, 50)
    assert not torch.equal(applied.before, applied.after)


@pytest.mark.parametrize("model", ["tiny_ddpm", "tiny_ldm"])
def test_latents_teach_what_their_pictures_do(model, pairs, tmp_path, request):
    backbone = load_plugins().backbone(str(request.getfixturevalue(model)))
    size = picture_size(backbone)
    for side in ("source", "target"):
        (tmp_path / side).mkdir()
        for pair in pairs:
            picture = getattr(pair, side)
            latent = encoded(backbone, read_image(picture), size)
            save_file({"latent": latent}, tmp_path / side / f"{picture.stem}.safetensors")
    from_latents = learned(backbone, matched(tmp_path / "source", tmp_path / "target"))
    from_pictures = learned(backbone, pairs)
    assert from_latents.tensors.keys() == from_pictures.tensors.keys()
    assert all(torch.equal(tensor, from_pictures.tensors[name]) for name, tensor in from_latents.tensors.items())
    digest = hashlib.sha256((tmp_path / "target" / "0.safetensors").read_bytes()).hexdigest()
    assert from_latents.record.pictures[0].target == digest


@pytest.mark.parametrize(
    ("tensors", "code"),
    [
        ({"latent": torch.zeros(4, 16, 8)}, 4),
        ({"latent": torch.zeros(2, 4, 16, 16)}, 4),
        ({"latent": torch.zeros(4, 16, 16, dtype=torch.int64)}, 4),
        ({"a": torch.zeros(4, 16, 16), "b": torch.zeros(4, 16, 16)}, 4),
        ({"latent": torch.full((4, 16, 16), float("nan"))}, 10),
        (None, 4),
    ],
)
def test_what_is_no_latent_of_the_model_is_refused(tensors, code, backbone, pairs, tmp_path):
    path = tmp_path / "latent.safetensors"
    path.write_bytes(b"no tensors")
    if tensors:
        save_file(tensors, path)
    with pytest.raises(AttrbankError, match=r"latent\.safetensors") as caught:
        learned(backbone, [PictureFiles(source=pairs[0].source, target=path)])
    assert caught.value.exit_code == code


def test_the_record_names_the_pictures_by_content_and_no_prompts(backbone, pairs):
    record = decode(encode(learned(backbone, pairs))).record
    digests = [(hashlib.sha256(p.source.read_bytes()), hashlib.sha256(p.target.read_bytes())) for p in pairs]
    assert [(p.source, p.target) for p in record.pictures] == [(s.hexdigest(), t.hexdigest()) for s, t in digests]
    assert (record.pairs, record.prompt) == ((), None)
    assert (record.resolved.timestep_z, record.delta_tau) == (-1, -record.t_x)
    assert "own" not in record.units


def test_equal_pictures_hold_nothing_to_learn(backbone, pairs):
    same = PictureFiles(source=pairs[0].source, target=pairs[0].source)
    with pytest.raises(InvalidValueError, match="no difference"):
        learned(backbone, [same])


@pytest.mark.parametrize(
    "options", [{"vectors": "paper"}, {"preset": "paper"}, {"seeds": (0, 1)}, {"delta_tau": -0.1}, {"core": "own"}]
)
def test_options_of_prompts_are_refused(options, pairs):
    with pytest.raises(InvalidValueError):
        learn_spec("old", [], [], pictures=pairs, **options)


def test_prompts_and_pictures_exclude_each_other(pairs):
    with pytest.raises(InvalidValueError, match="either"):
        learn_spec("old", ["a"], ["b"], pictures=pairs)


def test_a_method_that_wants_prompts_is_not_given_pictures(pairs, tiny_pipeline, tmp_path, monkeypatch):
    spec = learn_spec("old", [], [], pictures=pairs)
    monkeypatch.setattr(Avi, "options", Avi.options - {"pictures"})
    with pytest.raises(InvalidValueError, match="learns from prompts"):
        learn_spec("old", [], [], pictures=pairs)
    with pytest.raises(InvalidValueError, match="learns from prompts"):
        learn(spec, backbone=str(tiny_pipeline), bank=tmp_path / "bank")


def test_what_is_learned_from_prompts_keeps_its_bytes():
    """Records from before there were pictures serialise without the new field, so that ids stay what they were."""
    assert "pictures" not in AttributeRecord.model_validate(RECORD).model_dump()


def test_list_and_show_say_how_many_pictures(pairs, tiny_pipeline: Path, bank: Bank, cli: Cli) -> None:
    source, target = pairs[0].source, pairs[0].target
    learning = cli(
        *("learn", "old", "--source-image", str(source), "--target-image", str(target)),
        *("--backbone", str(tiny_pipeline), "--steps", "10"),
    )
    assert learning.code == 0, learning.err
    (listed,) = json.loads(cli("list", "--json").out)
    assert (listed["source"], listed["target"], listed["pairs"]) == ("2 pictures", None, [])
    assert "2 pictures" in cli("list").out
    assert hashlib.sha256(target.read_bytes()).hexdigest() in cli("show", "old").out
    assert cli("reindex").code == 0
    assert json.loads(cli("list", "--json").out)[0] == listed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--source-image", "a.png"], 2),
        (["--source", "a", "--target-image", "a.png"], 2),
        (["--source", "a", "--target", "b", "--source-image", "a.png", "--target-image", "b.png"], 2),
        (["--source-image", "nowhere.png", "--target-image", "nowhere.png"], 3),
    ],
)
def test_half_a_pair_is_refused(arguments: list[str], code: int, cli: Cli) -> None:
    assert cli("learn", "old", *arguments).code == code
