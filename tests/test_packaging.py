"""What the wheel holds."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_the_wheel_installs_one_package_and_nothing_beside_it(wheel: list[str]):
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"attrbank"}


@pytest.mark.parametrize(
    "wanted",
    [
        "attrbank/py.typed",
        "attrbank/backbones/portraits/model/unet/diffusion_pytorch_model.safetensors",
        "attrbank/backbones/portraits/model/attrbank.json",
        "attrbank/evaluation/oracles/judge.safetensors",
        "attrbank/templates/common/pyproject.toml.tmpl",
        "attrbank/templates/sampler/MODULE/sampler.py.tmpl",
        "attrbank/templates/sampler/tests/test_sampler.py.tmpl",
        "attrbank/_bank/SHA256SUMS",
        "attrbank/_bank/README.md",
    ],
)
def test_the_wheel_holds(wheel: list[str], wanted: str):
    assert wanted in wheel


def test_the_wheel_holds_the_whole_starter_bank(wheel: list[str]):
    bank = ROOT / "bank"
    shipped = {f"attrbank/_bank/{path.relative_to(bank).as_posix()}" for path in bank.rglob("*") if path.is_file()}
    assert sum(name.endswith(".safetensors") for name in shipped) >= 9
    assert shipped <= set(wheel)
