"""Edits of pictures that exist: what changes, what must not, and what the PNG remembers."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attrbank.backbones.portraits.parameters import draw as people
from attrbank.backbones.portraits.render import render
from attrbank.cli.app import run as run_command
from attrbank.cli.show import command_of
from attrbank.diffusion.inversion import invert
from attrbank.diffusion.position import Position
from attrbank.diffusion.trajectory import Trajectory
from attrbank.editing.choices import REFINEMENTS
from attrbank.editing.composition import run_edits
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import Asked
from attrbank.pictures.png_text import read_recipe_text
from attrbank.pictures.read import read_image
from attrbank.pictures.sheet import to_image
from attrbank.plugins.manager import load_plugins
from attrbank.schema.carried import Recipe

SOURCE, TARGET = "a photo of a person", "a photo of an old person"


@pytest.fixture(scope="module")
def bank(tmp_path_factory, tiny_pipeline: Path) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    spec = learn_spec("old", [SOURCE], [TARGET], seeds=(0, 1, 2, 3), steps=10, core="conv")
    learn(spec, backbone=str(tiny_pipeline), bank=folder)
    paper = learn_spec("paper", [SOURCE], [TARGET], seeds=(0,), steps=10, vectors="paper", z="own")
    learn(paper, backbone=str(tiny_pipeline), bank=folder)
    return folder


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    """Wide, with more detail than the model's 32×32 pixels hold."""
    pixels = np.random.default_rng(0).integers(40, 215, (64, 160, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def ask(bank: Path, tiny_pipeline: Path, tmp_path: Path):
    def request(name: str = "old", **options) -> ApplyRequest:
        options = {"steps": 10, "output": tmp_path / "out.png", **options}
        return ApplyRequest(references=(Asked(name),), bank=bank, backbone=str(tiny_pipeline), **options)

    return request


def test_the_picture_keeps_its_size_and_its_surroundings(ask, photo):
    applied = apply(ask(image=photo))
    original = read_image(photo).pixels
    assert torch.equal(applied.before, original)
    assert applied.after.shape == original.shape
    change = (applied.after - original).abs()
    assert torch.equal(change[:, :, :48], torch.zeros(3, 64, 48))
    assert torch.equal(change[:, :, 112:], torch.zeros(3, 64, 48))
    assert change[:, :, 60:100].max() > 0.01


def test_an_edit_of_strength_zero_gives_the_picture_back_bit_for_bit(ask, photo, tmp_path):
    applied = apply(ask(image=photo, rho=0.0, only_after=True))
    assert torch.equal(applied.after, read_image(photo).pixels)
    with Image.open(tmp_path / "out.png") as written, Image.open(photo) as original:
        assert written.tobytes() == original.tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {"inversion": "refined", "guidance_scale": 3.0},
        {"inversion": "refined", "core": "own"},
        {"core": "mlp", "only_after": True},
    ],
)
def test_the_plan_foretells_the_cost(options, ask, photo):
    asked = ask(image=photo, **options)
    assert apply(asked).unet_evaluations == plan(asked).unet_evaluations


def test_the_inversion_stops_at_the_first_edit(ask, photo):
    planned = plan(ask(image=photo, core="mean"))
    assert planned.turns[0].t == 401
    assert planned.denoising_steps == 4 * 5  # back, each step refined once, before, after


def test_progress_ends_at_its_total(ask, photo):
    seen = []
    apply(ask(image=photo, inversion="refined"), on_step=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(seen), len(seen))


@pytest.mark.parametrize("name", ["old", "paper"])
def test_what_wants_the_pictures_own_noise_gets_it_inverted(name, ask, photo):
    """It must not fall back on the noise of a seed, which has nothing to do with the picture."""
    core = "own" if name == "old" else None
    pictures = [apply(ask(name, image=photo, core=core, seed=seed)).after for seed in (0, 1)]
    assert torch.equal(*pictures)
    assert not torch.equal(pictures[0], read_image(photo).pixels)


def test_without_an_edit_the_round_trip_is_the_autoencoders_own():
    """On a portrait that the model did not draw; the autoencoder itself stays some 32 dB away from it."""
    backbone, sampler = load_plugins().backbone("portraits"), load_plugins().sampler("ddim")
    run = Trajectory(backbone, sampler, grid=sampler.grid(25, backbone.schedule), guidance_scale=3.0)
    latent, conditioning = backbone.encode(render(people(1, 1000))), backbone.encode_prompts([SOURCE])
    for inversion, decibels in (("ddim", 40), ("refined", 50)):
        back = invert(run, Position(latent, run.end, (0,)), conditioning, 14, refinements=REFINEMENTS[inversion])
        there = backbone.decode(run_edits(run, SOURCE, [0], [], start=back).after)
        assert -10 * torch.log10((there - backbone.decode(latent)).square().mean()) > decibels


def test_the_recipe_names_the_picture_and_its_inversion_and_show_prints_the_command(ask, photo, tmp_path, capsys):
    apply(ask(image=photo, mask=photo, inversion="refined", only_after=True))
    recipe = Recipe.model_validate_json(read_recipe_text(tmp_path / "out.png"))
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (recipe.image.name, recipe.image.sha256, recipe.mask.sha256) == ("photo.png", digest, digest)
    words = shlex.split(command_of(recipe))
    for option, value in (("-i", "photo.png"), ("--inversion", "refined"), ("--mask", "photo.png")):
        assert words[words.index(option) + 1] == value
    assert "--only-after" in words
    assert run_command(["show", str(tmp_path / "out.png")]) == 0
    assert digest in capsys.readouterr().err


def test_transparency_and_profile_of_the_picture_are_kept(ask, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png", icc_profile=b"\0" * 16 + b"RGB " + b"\0" * 108)
    apply(ask(image=tmp_path / "in.png", only_after=True))
    with Image.open(tmp_path / "out.png") as written:
        assert written.mode == "RGBA"
        assert np.array_equal(np.asarray(written)[..., 3], pixels[..., 3])
        assert written.info["icc_profile"][16:20] == b"RGB "
    apply(ask(image=tmp_path / "in.png"))
    with Image.open(tmp_path / "out.png") as sheet:
        assert sheet.mode == "RGB"


@pytest.mark.parametrize(
    ("mode", "size"),
    [("1", (1, 1)), ("L", (5, 90)), ("P", (33, 20)), ("CMYK", (90, 4)), ("L", (3000, 1)), ("RGB", (2, 5000))],
)
def test_any_mode_and_size_goes_through(mode, size, ask, tmp_path):
    Image.new("RGB", size, (120, 130, 90)).convert(mode).save(tmp_path / "in.tiff")
    assert apply(ask(image=tmp_path / "in.tiff")).after.shape == (3, size[1], size[0])


def test_a_sampler_that_cannot_go_back_is_refused_before_anything_is_read(ask):
    with pytest.raises(InvalidValueError, match="cannot be inverted"):
        plan(ask(image=Path("nowhere.png"), sampler="ddpm"))


def test_a_missing_picture_is_refused_before_the_model_is_loaded(ask, monkeypatch):
    monkeypatch.setattr("attrbank.editing.run.Editor", None)
    with pytest.raises(NotFoundError, match="no picture"):
        apply(ask(image=Path("nowhere.png")))


def test_an_inversion_without_a_picture_is_a_bad_value(ask):
    with pytest.raises(InvalidValueError, match="needs a picture"):
        ask(inversion="ddim")


def test_a_pictures_prompt_and_guidance_are_the_models_and_none(ask, photo, tiny_pipeline):
    defaults = load_plugins().describe(str(tiny_pipeline)).defaults
    planned = plan(ask(image=photo))
    assert (planned.prompt, planned.guidance_scale) == (defaults.prompt, 1.0)
    planned = plan(ask(image=photo, prompt="a man", guidance_scale=2.0))
    assert (planned.prompt, planned.guidance_scale) == ("a man", 2.0)


def test_the_plan_says_what_is_edited_and_how(bank, photo, tiny_pipeline, capsys):
    arguments = ["apply", "old", "-i", str(photo), "--plan", "--json", "--bank", str(bank)]
    assert run_command([*arguments, "--backbone", str(tiny_pipeline)]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert (planned["image"], planned["inversion"], planned["mask"]) == (str(photo), "refined", None)


def test_a_picture_that_is_no_portrait_fails_in_quality_and_not_in_code(tmp_path):
    """Clouds over a meadow, to a model that knows drawn faces and nothing else."""
    noise = torch.rand(1, 3, 6, 9, generator=torch.Generator().manual_seed(0))
    clouds = torch.nn.functional.interpolate(noise, (200, 300), mode="bicubic").clamp(0, 1)[0]
    clouds[1, 120:] = 0.9
    to_image(clouds).save(tmp_path / "meadow.jpg")
    asked = ApplyRequest(
        references=(Asked("young"), Asked("hat", 2.0)),
        image=tmp_path / "meadow.jpg",
        steps=10,
        bank=tmp_path / "bank",
        output=tmp_path / "out.png",
    )
    after = apply(asked).after
    assert after.shape == (3, 200, 300)
    assert bool(after.isfinite().all())
