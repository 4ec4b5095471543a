"""From the command line to files, on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from attrbank.plugin import run


@pytest.fixture
def command(tiny_pipeline: Path, stocked: Path, capsys: pytest.CaptureFixture[str]):
    def invoke(*arguments: str, code: int = 0) -> tuple[str, str]:
        common = ("--backbone", str(tiny_pipeline), "--seeds", "10000,10001", "--steps", "4", "--bank", str(stocked))
        found = run(["inspect", *arguments, *common])
        captured = capsys.readouterr()
        assert found == code, captured.err
        return captured

    return invoke


@pytest.mark.parametrize(
    ("arguments", "pictures"),
    [
        (["sweep", "--vector", "1", "--vector", "4", "--factors", "0", "--times", "0.5"], ["sweep-1", "sweep-4"]),
        (["order"], ["order"]),
        (["distance", "-p", "2"], ["distance"]),
        (["ablation", "old"], ["ablation"]),
        (["rho", "old", "--strengths", "1"], ["rho-old"]),
    ],
    ids=lambda value: value[0],
)
def test_every_finding_is_figures_and_pictures(
    command, arguments: list[str], pictures: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    figures = json.loads(command(*arguments, "--out", str(out), "--json").out)
    assert figures["setting"]["seeds"] == "10000-10001"
    assert json.loads((out / f"{arguments[0]}.json").read_text()) == figures
    assert {path.name for path in out.iterdir()} == {f"{arguments[0]}.json", *(f"{name}.png" for name in pictures)}
    for name in pictures:
        with Image.open(out / f"{name}.png") as image:
            assert image.format == "PNG"
            assert min(image.size) > 100


def test_the_table_has_the_gist(command) -> None:
    lines = command("distance").out.splitlines()
    assert lines[0].split() == ["WAY", "T", "TO", "NEXT", "TO", "LAST"]
    assert {line.split()[0] for line in lines[1:]} == {"sampled", "straight", "noise"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ablation"], "takes an attribute"),
        (["order", "old"], "takes no attribute"),
        (["distance", "-p", "99"], "not 99"),
        (["sweep", "--vector", "0"], "no vector 0"),
        (["sweep", "--times", "0.5,0"], "0 is no share"),
        (["sweep", "--times", "1.5"], "1.5 is no share"),
        (["order", "-p", "2"], "only for attrbank inspect distance"),
        (["sweep", "--factors", "two"], "'two'"),
    ],
    ids=" ".join,
)
def test_what_does_not_fit_is_refused(command, arguments: list[str], complaint: str) -> None:
    assert complaint in command(*arguments, code=4).err
