"""The first-party plugin packages, installed as a user would, beside the attrbank that is being tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLERS = {
    "attrbank-example-sampler": ["adams"],
    "attrbank-ksamplers": ["euler", "euler-ancestral", "heun", "dpmpp-2m"],
}


def installed(package: str, folder: Path) -> dict[str, str]:
    """An environment of its own for one package, sharing only what attrbank itself needs."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(ROOT / "plugins" / package)], check=True)
    paths = os.pathsep.join([str(folder / "site"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "ATTRBANK_BANK": str(folder / "bank")}


def attrbank(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "attrbank", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("warning")) == (0, 0), done.stderr
    return done.stdout


@pytest.mark.parametrize("package", SAMPLERS)
def test_an_installed_package_edits_portraits(package: str, tmp_path: Path) -> None:
    environment = installed(package, tmp_path)
    assert set(SAMPLERS[package]) <= {
        row["name"] for row in json.loads(attrbank(environment, tmp_path, "samplers", "--json"))
    }
    name = SAMPLERS[package][-1]
    report = json.loads(attrbank(environment, tmp_path, "apply", "smile", "--sampler", name, "--json"))
    assert report["sampler"] == name
    assert (tmp_path / report["output"]).stat().st_size > 10_000


@pytest.mark.parametrize("package", SAMPLERS)
def test_a_package_passes_its_own_tests(package: str) -> None:
    folder = ROOT / "plugins" / package
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_tutorial_sampler_fits_on_a_page() -> None:
    file = ROOT / "plugins" / "attrbank-example-sampler" / "attrbank_example_sampler.py"
    assert len(file.read_text().splitlines()) <= 40
