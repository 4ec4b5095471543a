"""Many pictures: every combination once, finished ones skipped, and a failure stops no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from attrbank.cli.app import run
from attrbank.diffusion.placement import Placement
from attrbank.editing import run as editing
from attrbank.editing.batch import apply_all
from attrbank.editing.batch_plan import BatchRequest, batch_items, read_prompts
from attrbank.editing.request import ApplyRequest
from attrbank.errors import InvalidValueError, NotFoundError, NumericError, StorageError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import Asked
from attrbank.pictures.find import pictures_in
from attrbank.pictures.read import PictureData


@pytest.fixture(scope="module")
def bank(tmp_path_factory, tiny_pipeline: Path) -> Path:
    folder, prompts = tmp_path_factory.mktemp("bank"), (["a photo of a person"], ["a photo of an old person"])
    learn(learn_spec("old", *prompts, seeds=(0, 1), steps=5), backbone=str(tiny_pipeline), bank=folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, the second of them cut off."""
    pictures = tmp_path / "in"
    pictures.mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.jpg")):
        pixels = np.random.default_rng(number).integers(0, 255, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / name)
    (pictures / "b.png").write_bytes((pictures / "b.png").read_bytes()[:200])
    return pictures


@pytest.fixture
def batch(bank: Path, tiny_pipeline: Path, tmp_path: Path) -> Callable[..., BatchRequest]:
    def request(template: str = "{prompt}_{seed}.png", **options) -> BatchRequest:
        common = {
            key: options.pop(key)
            for key in ("prompt", "image", "rho", "only_after", "placement", "force")
            if key in options
        }
        output = tmp_path / template
        common["backbone"] = options.pop("backbone", str(tiny_pipeline))
        one = ApplyRequest(references=(Asked("old"),), bank=bank, steps=5, output=output, **common)
        return BatchRequest(common=one, **options)

    return request


@pytest.fixture
def cli(bank: Path, tiny_pipeline: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        code = run(["apply", "old", "--steps", "5", "--backbone", str(tiny_pipeline), "--bank", str(bank), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return invoke


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.glob("*.png"))


def test_every_combination_is_made_once_and_the_model_is_loaded_once(batch, tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr(editing.Editor, "__init__", counted(editing.Editor.__init__, loaded))
    outcomes = apply_all(batch(prompts=("a man", "a woman"), seeds=(3, 4)))
    assert [outcome.status for outcome in outcomes] == ["done"] * 4
    assert names(tmp_path) == ["a-man_3.png", "a-man_4.png", "a-woman_3.png", "a-woman_4.png"]
    assert len(loaded) == 1


def counted(function, calls):
    def counting(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return counting


def test_a_second_run_makes_only_what_is_missing_or_was_made_otherwise(batch, tmp_path, monkeypatch):
    apply_all(batch(seeds=(3, 4, 5)))
    (tmp_path / "a-photo-of-a-person_4.png").unlink()
    assert [o.status for o in apply_all(batch(seeds=(3, 4, 5)))] == ["skipped", "done", "skipped"]
    assert [o.status for o in apply_all(batch(seeds=(3, 4), rho=0.5))] == ["done", "done"]
    assert [o.status for o in apply_all(batch(seeds=(3, 4), rho=0.5, only_after=True))] == ["done", "done"]
    monkeypatch.setattr("attrbank.editing.batch.Editor", None)  # nothing left to do needs no model
    assert [o.status for o in apply_all(batch(seeds=(3, 4), rho=0.5, only_after=True))] == ["skipped", "skipped"]


UNET, TEXT, CODEC = "unet/diffusion_pytorch_model", "text_encoder/model", "vae/diffusion_pytorch_model"


@pytest.mark.parametrize("weights", [UNET, TEXT, CODEC])
def test_a_picture_of_other_weights_under_the_same_name_is_made_again(weights, batch, tiny_pipeline, tmp_path):
    model = shutil.copytree(tiny_pipeline, tmp_path / "model")
    asked = batch(seeds=(3,), backbone=str(model), force=True)
    assert [o.status for o in apply_all(asked)] == ["done"]
    tensors = load_file(model / f"{weights}.safetensors")
    name = next(name for name in tensors if "to_k.weight" in name or "q_proj.weight" in name)
    save_file(tensors | {name: tensors[name] + 0.1}, model / f"{weights}.safetensors", metadata={"format": "pt"})
    assert [o.status for o in apply_all(asked)] == ["done"]
    assert [o.status for o in apply_all(asked)] == ["skipped"]


def test_a_picture_of_another_schedule_is_made_again(batch, tiny_pipeline, tmp_path):
    model = shutil.copytree(tiny_pipeline, tmp_path / "model")
    asked, path = batch(seeds=(3,), backbone=str(model)), model / "scheduler" / "scheduler_config.json"
    assert [o.status for o in apply_all(asked)] == ["done"]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"timestep_spacing": "trailing"}))
    assert [o.status for o in apply_all(asked)] == ["done"]


def test_a_picture_of_another_precision_is_made_again_and_its_command_names_it(batch, cli, tmp_path, capsys):
    coarse = {"placement": Placement(dtype="bfloat16"), "seeds": (3,)}
    assert [o.status for o in apply_all(batch("{seed}.png", **coarse))] == ["done"]
    assert [o.status for o in apply_all(batch("{seed}.png", **coarse))] == ["skipped"]
    assert run(["show", str(tmp_path / "3.png")]) == 0
    assert "--dtype bfloat16" in capsys.readouterr().out
    assert [o.status for o in apply_all(batch("{seed}.png", seeds=(3,)))] == ["done"]
    named = {"placement": Placement(dtype="float32"), "seeds": (3,)}
    assert [o.status for o in apply_all(batch("{seed}.png", **named))] == ["skipped"]  # what it was anyway


def test_a_changed_picture_or_mask_is_made_again(batch, folder):
    image, asked = folder / "a.png", {"images": (folder / "a.png",), "image": folder}
    assert [o.status for o in apply_all(batch("{name}.png", **asked))] == ["done"]
    Image.new("RGB", (9, 9)).save(image)
    assert [o.status for o in apply_all(batch("{name}.png", **asked))] == ["done"]
    assert [o.status for o in apply_all(batch("{name}.png", **asked))] == ["skipped"]


def test_a_picture_that_is_skipped_is_not_decoded(batch, folder, monkeypatch):
    asked = batch("{name}.png", images=(folder / "a.png",), image=folder)
    decoded, original = [], PictureData.decoded
    monkeypatch.setattr(PictureData, "decoded", lambda data: decoded.append(data.name) or original(data))
    assert [o.status for o in apply_all(asked)] == ["done"]
    assert [o.status for o in apply_all(asked)] == ["skipped"]
    assert decoded == ["a.png"]


def test_one_failure_does_not_stop_the_rest(cli, folder, tmp_path):
    code, out, err = cli("-i", str(folder), "-o", "{name}_x.png")
    assert code == 11
    assert out.splitlines() == ["a_x.png", "c_x.png"]
    assert names(tmp_path) == ["a_x.png", "c_x.png"]
    assert "b_x.png: The picture" in err
    assert "1 of 3 pictures failed" in err


def test_json_has_one_record_for_each(cli, folder):
    code, out, _ = cli("-i", str(folder), "--json")
    records = json.loads(out)
    assert code == 11
    assert [record["status"] for record in records] == ["done", "failed", "done"]
    assert [record["output"] for record in records] == ["a_old.png", "b_old.png", "c_old.png"]
    assert (records[1]["exit_code"], "cannot be decoded" in records[1]["error"]) == (4, True)
    assert records[0]["unet_evaluations"] > 0


def test_a_number_that_is_not_finite_fails_one_picture_alone(batch, monkeypatch):
    def draw(planned, *arguments):
        if planned.seed == 4:
            raise NumericError("not finite")
        return original(planned, *arguments)

    original = editing.draw
    monkeypatch.setattr(editing, "draw", draw)
    assert [o.status for o in apply_all(batch(seeds=(3, 4, 5)))] == ["done", "failed", "done"]


def test_no_picture_replaces_what_it_is_made_of(batch, folder):
    before = (folder / "a.png").read_bytes()
    with pytest.raises(InvalidValueError, match="would replace"):
        apply_all(batch("in/{name}.png", image=folder, images=(folder / "c.jpg", folder / "a.png")))
    assert (folder / "a.png").read_bytes() == before


def test_no_picture_replaces_what_another_is_made_of(batch, folder):
    for name in ("0.png", "1.png"):
        Image.new("RGB", (9, 9)).save(folder / name)
    with pytest.raises(InvalidValueError, match="would replace"):
        batch_items(batch("in/{number}.png", image=folder, images=(folder / "0.png", folder / "1.png")))


def test_what_a_batch_made_in_its_own_folder_is_no_input_of_its(batch, folder):
    def again() -> list[tuple[str, str]]:
        outcomes = apply_all(batch("in/{name}_x.png", image=folder, images=tuple(pictures_in(folder))))
        return [(outcome.item.output.name, outcome.status) for outcome in outcomes]

    assert again() == [("a_x.png", "done"), ("b_x.png", "failed"), ("c_x.png", "done")]
    assert again() == [("a_x.png", "skipped"), ("b_x.png", "failed"), ("c_x.png", "skipped")]


def test_what_concerns_all_is_an_error_at_once(batch, tmp_path):
    with pytest.raises(NotFoundError):
        apply_all(BatchRequest(common=replace(batch().common, references=(Asked("nobody"),)), seeds=(1, 2)))
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        apply_all(batch("file/{seed}.png", seeds=(1, 2)))
    assert names(tmp_path) == []


def test_progress_covers_the_whole_batch(batch):
    seen = []
    apply_all(batch(seeds=(3, 4)), on_step=lambda done, total: seen.append((done, total)))
    totals = {total for _, total in seen}
    assert len(totals) == 1
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == totals.pop()


def test_a_picture_that_was_made_otherwise_keeps_its_name_unless_it_was_asked_for(cli, tmp_path):
    assert cli("--seed", "3", "--rho", "0.5")[1].split() == ["old_seed3.png"]
    before = (tmp_path / "old_seed3.png").read_bytes()
    assert cli("--seeds", "3-4")[1].split() == ["old_seed3-2.png", "old_seed4.png"]
    assert cli("--seeds", "3-4")[1:] == ("old_seed3-2.png\nold_seed4.png\n", "2 pictures were there already.\n")
    assert names(tmp_path) == ["old_seed3-2.png", "old_seed3.png", "old_seed4.png"]
    assert (tmp_path / "old_seed3.png").read_bytes() == before
    assert cli("--seeds", "3-4", "-o", "old_seed{seed}.png")[0] == 0
    assert (tmp_path / "old_seed3.png").read_bytes() != before


def test_numbered_pictures_of_its_own_are_no_input_of_a_batch(cli, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "b.png").unlink()
    assert cli("-i", ".", "--rho", "0.5")[1].split() == ["a_old.png", "c_old.png"]
    assert cli("-i", ".")[1].split() == ["a_old-2.png", "c_old-2.png"]
    assert cli("-i", ".")[1].split() == ["a_old-2.png", "c_old-2.png"]
    assert names(folder) == ["a.png", "a_old-2.png", "a_old.png", "c_old-2.png", "c_old.png"]


def test_a_template_is_filled_in_and_its_folder_made_for_seeds_too(cli):
    assert cli("--seeds", "3-4", "-o", "out/{name}_{seed}.png")[:2] == (0, "out/old_3.png\nout/old_4.png\n")


def test_an_edited_picture_is_named_after_it(cli, folder):
    assert cli("-i", "in/a.png")[1] == "a_old.png\n"
    assert cli("-i", "in/a.png", "--rho", "0.5")[1] == "a_old-2.png\n"


def test_a_sheet_is_not_edited_as_if_it_were_a_picture(cli, tmp_path):
    cli("--seed", "3", "-o", "sheet.png")
    cli("--seed", "3", "--only-after", "-o", "alone.png")
    code, _, err = cli("-i", "sheet.png")
    assert (code, "before and after" in err, "--only-after" in err) == (4, True, True)
    assert cli("-i", "alone.png")[0] == 0


def test_two_pictures_never_share_a_name(batch):
    with pytest.raises(InvalidValueError, match="would be called"):
        batch_items(batch("{prompt}.png", seeds=(1, 2)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--seeds", "3-4"], ["old_seed3.png", "old_seed4.png"]),
        (["--prompts", "prompts.txt", "--seed", "2"], ["old_a-man_seed2.png", "old_a-woman_seed2.png"]),
        (["-o", "{attributes}-{number}.png"], ["old-1.png"]),
    ],
)
def test_names_say_what_varies(options, expected, cli, tmp_path):
    (tmp_path / "prompts.txt").write_text("a man\n\n  a woman \n")
    code, out, _ = cli(*options, "--plan")
    assert (code, out.splitlines()[:-1]) == (0, expected)


def test_the_plan_of_a_batch_is_its_sum(batch):
    request = batch(prompts=("a man", "a woman"), seeds=(3, 4))
    planned = sum(item.planned.unet_evaluations for item in batch_items(request))
    assert sum(outcome.facts["unet_evaluations"] for outcome in apply_all(request)) == planned


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--seeds", "1-2", "--seed", "1"], 2),
        (["--prompts", "p.txt", "--prompt", "a"], 2),
        (["--prompts", "nowhere.txt"], 3),
        (["--prompts", "empty.txt"], 3),
        (["--prompts", "latin.txt"], 4),
        (["-i", "."], 3),
        (["--seeds", "1-2", "-o", "{nonsense}.png"], 4),
        (["--seeds", "1-2", "-o", "one.png"], 4),
        (["--seeds", "0-99999", "--prompts", "two.txt"], 4),
    ],
)
def test_what_is_no_batch_is_refused(options, code, cli, tmp_path):
    (tmp_path / "p.txt").write_text("a man")
    (tmp_path / "two.txt").write_text("a man\na woman")
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert cli(*options)[0] == code
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "content", ["\ufeffa man\r\na woman\r\n", "a man\n\ufeffa woman\n", "\ufeff\n a man\n\ufeff a woman"]
)
def test_byte_order_marks_are_no_part_of_a_prompt(content, tmp_path):
    (tmp_path / "prompts.txt").write_text(content, encoding="utf-8")
    assert read_prompts(tmp_path / "prompts.txt") == ("a man", "a woman")


def test_prompts_are_the_lines_that_are_not_blank(tmp_path):
    (tmp_path / "prompts.txt").write_text("a man\r\n\n  # not a comment \n", encoding="utf-8")
    assert read_prompts(tmp_path / "prompts.txt") == ("a man", "# not a comment")
