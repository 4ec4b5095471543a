"""Short names for models, and which attribute can act on which model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from attrbank.backbones.families import describe
from attrbank.plugin.tiny import build_pipeline
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "attrbank" / "config.toml"


@pytest.fixture(scope="module")
def relative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like ``tiny_pipeline`` in all but its weights."""
    return build_pipeline(tmp_path_factory.mktemp("relative") / "model", seed=1)


def binding(folder: Path) -> dict[str, object]:
    """The backbone of an attribute that was learned on a folder."""
    model = describe(str(folder))
    return {
        "name": str(folder),
        "fingerprint": model.fingerprint,
        "latent_shape": model.latent_shape,
        "prediction_type": model.prediction_type,
        "family": model.family,
    }


def test_a_short_name_means_its_folder_from_everywhere(
    cli: Cli, bank: Bank, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.add(artifact(backbone=binding(tiny_pipeline)))
    monkeypatch.chdir(tiny_pipeline.parent)
    added = cli("backbones", "add", "tiny", tiny_pipeline.name)
    assert (added.code, added.out) == (0, "tiny\n")
    assert "stable_diffusion, latents 4×16×16, epsilon" in added.err
    monkeypatch.chdir(tmp_path)
    assert cli("apply", "young", "--backbone", "tiny", "--plan").code == 0
    listed = {item["name"]: item["summary"] for item in json.loads(cli("backbones", "--json").out)}
    assert listed["tiny"] == str(tiny_pipeline)
    assert "portraits" in listed


def test_a_forgotten_name_means_nothing(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    bank.add(artifact(backbone=binding(tiny_pipeline)))
    cli("backbones", "add", "tiny", str(tiny_pipeline))
    assert cli("backbones", "rm", "tiny").out == "tiny\n"
    assert cli("backbones", "rm", "tiny").code == 3
    assert cli("apply", "young", "--backbone", "tiny", "--plan").code == 3
    assert tiny_pipeline.is_dir()


def test_a_misspelled_name_is_recognised(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    bank.add(artifact())
    cli("backbones", "add", "tiny-model", str(tiny_pipeline))
    assert "Did you mean tiny-model?" in cli("apply", "young", "--backbone", "tiny-modle", "--plan").err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("portraits", "{folder}"), 4),
        (("latent_diffusion", "{folder}"), 4),
        (("Tiny", "{folder}"), 4),
        (("tiny", "/no/such/folder"), 3),
        (("tiny", "{folder}/unet"), 3),
        (("tiny", "{folder}/unet/diffusion_pytorch_model.safetensors"), 4),
        (("tiny", "{folder}/model_index.json", "--config", "{folder}"), 4),
    ],
)
def test_what_is_no_model_or_no_name_is_refused(
    arguments: tuple[str, ...], code: int, cli: Cli, tiny_pipeline: Path, configuration: Path
) -> None:
    assert cli("backbones", "add", *(argument.format(folder=tiny_pipeline) for argument in arguments)).code == code
    assert not configuration.exists()


def test_a_name_in_use_is_given_away_only_on_request(cli: Cli, tiny_pipeline: Path, relative: Path) -> None:
    cli("backbones", "add", "tiny", str(tiny_pipeline))
    assert cli("backbones", "add", "tiny", str(relative)).code == 4
    assert cli("backbones", "add", "tiny", str(relative), "--replace").code == 0


def test_a_hub_model_is_fetched_when_it_is_named(
    cli: Cli, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = []

    def snapshot_download(hub_id: str, *, local_files_only: bool, **_: object) -> str:
        offline.append(local_files_only)
        return str(tiny_pipeline)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert cli("backbones", "add", "sd15", "owner/model").code == 0
    assert offline == [False]


def test_compat_tells_what_differs_and_what_can_be_forced(
    cli: Cli, bank: Bank, tiny_pipeline: Path, tiny_pipeline_velocity: Path, tiny_pipeline_xl: Path, relative: Path
) -> None:
    bank.add(artifact(backbone=binding(tiny_pipeline)))
    folders = {"tiny": tiny_pipeline, "relative": relative, "velocity": tiny_pipeline_velocity, "xl": tiny_pipeline_xl}
    for name, folder in folders.items():
        assert cli("backbones", "add", name, str(folder)).code == 0
    verdicts = {verdict["backbone"]: verdict for verdict in json.loads(cli("compat", "--json").out)}
    assert {name: (v["fits"], v["forcible"], v["differs_in"]) for name, v in verdicts.items()} == {
        "portraits": (False, False, "latent shape"),
        "tiny": (True, False, None),
        "relative": (False, True, "fingerprint"),
        "velocity": (False, False, "prediction type"),
        "xl": (False, False, "family"),
    }
    assert (verdicts["portraits"]["learned"], verdicts["portraits"]["here"]) == ("4×16×16", "4×32×32")
    head, row = cli("compat", "young", "--backbone", "tiny", "--backbone", "relative").out.splitlines()
    assert head.split() == ["ATTRIBUTE", "LEARNED", "ON", "tiny", "relative"]
    assert row.endswith("yes   --force: other weights")


def test_compat_goes_on_where_a_model_has_gone(cli: Cli, bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    bank.add(artifact(backbone=binding(tiny_pipeline)))
    copy = shutil.copytree(tiny_pipeline, tmp_path / "model")
    cli("backbones", "add", "gone", str(copy))
    shutil.rmtree(copy)
    outcome = cli("compat", "--json")
    assert outcome.code == 0
    assert {v["backbone"]: v["fits"] for v in json.loads(outcome.out)} == {"portraits": False, "gone": None}
    assert "warning: gone: There is no backbone" in outcome.err


def test_compat_fails_where_a_model_that_is_asked_for_is_not_there(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    bank.add(artifact(backbone=binding(tiny_pipeline)))
    outcome = cli("compat", "--backbone", str(tiny_pipeline), "--backbone", "./nothere")
    assert (outcome.code, outcome.out) == (3, "")
    assert "nothere" in outcome.err


def test_force_reaches_relatives_only(
    cli: Cli, bank: Bank, tiny_pipeline: Path, tiny_pipeline_velocity: Path, relative: Path
) -> None:
    bank.add(artifact(backbone=binding(tiny_pipeline)))

    def planned(folder: Path, *more: str) -> int:
        return cli("apply", "young", "--backbone", str(folder), "--plan", "--json", *more).code

    assert (planned(relative), planned(relative, "--force")) == (8, 0)
    assert (planned(tiny_pipeline_velocity), planned(tiny_pipeline_velocity, "--force")) == (8, 8)
    refused = cli("apply", "young", "--backbone", str(relative), "--plan")
    assert str(tiny_pipeline) in refused.err
    assert str(relative) in refused.err
    assert "--force" in refused.err
    forced = cli("apply", "young", "--backbone", str(relative), "--plan", "--json", "--force")
    assert json.loads(forced.out)["forced"] is True
    assert "other weights" in forced.err
    needless = cli("apply", "young", "--backbone", str(tiny_pipeline), "--plan", "--json", "--force")
    assert json.loads(needless.out)["forced"] is False
