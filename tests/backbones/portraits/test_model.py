"""The shipped model: it is a Stable Diffusion folder, it follows prompts, and the starter bank fits it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch

from attrbank.attribute.compatibility import mismatch, uncertain
from attrbank.backbones.families import describe
from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.backbones.portraits.visible import READ_NUMBERS
from attrbank.backbones.sources import PORTRAITS
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges import oracle
from attrbank.evaluation.judges.readings import has_all, look_at
from attrbank.names import Asked
from attrbank.plugins.manager import load_plugins
from attrbank.store import cards
from attrbank.store.bank import Bank
from attrbank.store.layout import Layout, identity_of, object_files, starter_bank
from lab.figures.bars import megabytes, read_rightly
from lab.starter_prompts import PAIRS
from lab.stored import stored

PROMPTS = {
    "a photo of an old man with glasses": ("old", "man", "glasses"),
    "a young woman, smiling": ("young", "woman", "smile"),
    "a serious man with a beard and a hat": ("serious", "man", "beard", "hat"),
    "a photo of an elderly lady, who is laughing": ("old", "woman", "laughing"),
    "a sad girl with long blond hair": ("sad", "woman", "young", "long-hair"),
}


@pytest.fixture(scope="module")
def portraits():
    return load_plugins().backbone("portraits")


def generated(backbone, prompts: list[str], first_seed: int) -> torch.Tensor:
    defaults = backbone.defaults
    sampler = load_plugins().sampler(defaults.sampler)
    grid = sampler.grid(defaults.steps, backbone.schedule)
    run = Trajectory(backbone, sampler, grid=grid, guidance_scale=defaults.guidance_scale)
    start = run.start(range(first_seed, first_seed + len(prompts)))
    return run.run(start, backbone.encode_prompts(prompts)).latent


def test_the_model_follows_its_prompts(portraits):
    """The full figure, over 512 prompts, is ``python -m lab.figures.bars``."""
    prompts = [prompt for prompt in PROMPTS for _ in range(4)]
    with torch.no_grad():
        pictures = look_at(oracle.load("judge"), portraits.decode(generated(portraits, prompts, 20_000)))
    hits = [has_all(pictures, (name,))[row].item() for row, prompt in enumerate(prompts) for name in PROMPTS[prompt]]
    assert sum(hits) / len(hits) > 0.9


def test_the_judge_reads_held_out_portraits():
    right, explained = read_rightly(oracle.load("judge"), render(draw(512, 10_000)))
    assert right >= 0.995
    assert explained >= 0.8  # what is promised, and missed so far, is in docs/portraits.md


def test_the_two_oracles_are_not_the_same():
    judge, tuner = oracle.load("judge"), oracle.load("tuner")
    assert judge.size != tuner.size
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in tuner.modules())


def test_the_stock_pipeline_loads_the_folder_and_makes_our_picture(portraits):
    with warnings.catch_warnings(action="ignore"):
        from diffusers import StableDiffusionPipeline

        pipeline = StableDiffusionPipeline.from_pretrained(PORTRAITS)
        pipeline.set_progress_bar_config(disable=True)
        theirs = pipeline(
            "a photo of an old man",
            num_inference_steps=25,
            guidance_scale=3.0,
            generator=torch.Generator().manual_seed(20_000),
            output_type="pt",
        ).images
    with torch.no_grad():
        ours = portraits.decode(generated(portraits, ["a photo of an old man"], 20_000))
    assert (theirs - ours).abs().max() < 1e-2


def test_cross_attention_is_where_it_should_be():
    config = json.loads((PORTRAITS / "unet" / "config.json").read_text())
    blocks = config["down_block_types"]
    assert [config["sample_size"] >> level for level, block in enumerate(blocks) if "CrossAttn" in block] == [8]


def test_backbone_and_oracles_are_small():
    assert 10 <= megabytes() <= 20  # nothing is left out of the sum


def test_no_file_of_the_model_tells_where_it_was_made():
    for path in PORTRAITS.rglob("*.json"):
        assert "_name_or_path" not in json.loads(path.read_text()), path


def test_every_starter_artifact_belongs_to_the_shipped_model():
    portraits = describe("portraits")
    bank = Bank.starter()
    entries = bank.entries()
    assert {entry.name for entry in entries} >= set(PAIRS)
    for entry in entries:
        record = bank.record(entry)
        parts = load_plugins().parts_of_method(record)
        assert (mismatch(record.backbone, portraits, parts), uncertain(record, portraits)) == (None, None), entry.name


def test_the_starter_bank_is_sound_and_small():
    folder = starter_bank()
    listed = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*.safetensors")}
    assert files.keys() == listed.keys()
    assert all(path.stem == listed[name] for name, path in files.items())
    assert all(finding.state == "ok" for finding in Bank.starter().verify())
    assert sum(path.stat().st_size for path in files.values()) <= 2_000_000


def test_no_matrix_of_attributes_that_were_learned_again_since_is_shipped():
    layout = Layout(starter_bank())
    ids = {identity_of(path) for path in object_files(layout)}
    matrix = cards.get_matrix(layout)
    assert matrix is None or set(matrix.names) <= ids


@pytest.mark.parametrize(("rho", "come"), [(0.7, False), (1.0, True)])
def test_the_readmes_own_command_goes_most_of_the_way_and_all_of_it_at_one(tmp_path: Path, rho: float, come: bool):
    asked = ApplyRequest(
        references=(Asked("young"), Asked("smile")),
        rho=rho,
        seed=2,
        output=tmp_path / "out.png",
        bank=tmp_path / "bank",
    )
    applied = apply(asked)
    judge, pictures = oracle.load("judge"), torch.stack([applied.before, applied.after])
    before, after = judge.read(pictures).numbers
    age, expression = READ_NUMBERS.index("age"), READ_NUMBERS.index("expression")
    assert after[age] < before[age] - 0.25
    assert after[expression] > before[expression] + 0.05
    seen = has_all(look_at(judge, pictures), ("young", "smile")).tolist()
    assert seen == [False, True] or not come


@pytest.fixture(scope="module")
def bench(portraits) -> Bench:
    """Eight pictures, of whom some lack each attribute; most people are old where a prompt does not say."""
    return Bench(portraits, "a photo of a person", range(20_010, 20_018))


@pytest.mark.parametrize("name", PAIRS)
def test_a_starter_attribute_comes_at_strength_one_where_it_was_lacking(bench: Bench, name: str):
    """The full figures are ``attrbank eval``'s: .79 to 1.00; here a handful lack it."""
    judge = oracle.load("judge")
    rows = ~has_all(look_at(judge, bench.images(bench.unedited)), (name,))
    assert rows.sum() >= 2
    lacking = bench.only(rows)
    images = lacking.images(lacking.edited([lacking.act(stored(Bank.starter(), name), 1.0)]))
    assert has_all(look_at(judge, images), (name,)).float().mean() >= 0.5
