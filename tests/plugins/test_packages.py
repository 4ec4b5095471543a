"""The first-party plugin packages, installed as a user would, beside the attrbank that is being tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.environments import ROOT, fresh_environment

SAMPLERS = {
    "attrbank-example-sampler": ["adams"],
    "attrbank-ksamplers": ["euler", "euler-ancestral", "heun", "dpmpp-2m"],
}


@pytest.mark.parametrize("package", SAMPLERS)
def test_an_installed_package_edits_portraits(package: str, tmp_path: Path) -> None:
    environment = fresh_environment(tmp_path)
    environment.install(ROOT / "plugins" / package)
    assert set(SAMPLERS[package]) <= {row["name"] for row in json.loads(environment.attrbank("samplers", "--json"))}
    name = SAMPLERS[package][-1]
    report = json.loads(environment.attrbank("apply", "smile", "--sampler", name, "--json"))
    assert report["sampler"] == name
    assert (tmp_path / report["output"]).stat().st_size > 10_000


def test_the_installed_findings_bring_their_command(tmp_path: Path) -> None:
    environment = fresh_environment(tmp_path)
    environment.install(ROOT / "plugins" / "attrbank-findings")
    arguments = ("inspect", "order", "--seeds", "10000,10001", "--steps", "4", "--out", "figures")
    assert environment.attrbank(*arguments).splitlines()[-1].split()[0] == "noise"
    assert (tmp_path / "figures" / "order.png").stat().st_size > 1_000


def test_help_of_an_installed_command_does_not_wait_for_torch(tmp_path: Path) -> None:
    environment = fresh_environment(tmp_path)
    environment.install(ROOT / "plugins" / "attrbank-findings")
    code = "import sys; from attrbank.cli.app import run; run(['inspect', '--help']); print(*sys.modules)"
    helped, imported = environment.python("-c", code).rstrip().rsplit("\n", 1)
    assert "Which of the paper's findings." in " ".join(helped.split())
    assert {"torch", "numpy", "matplotlib"}.isdisjoint(imported.split())


@pytest.mark.parametrize("folder", sorted((ROOT / "plugins").iterdir()), ids=lambda folder: folder.name)
def test_a_package_passes_its_own_tests(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_sampler_edits() -> None:
    figures = json.loads((ROOT / "docs" / "samplers.json").read_text())["samplers"]
    assert set(figures) == {"ddim", "ddpm", *(name for names in SAMPLERS.values() for name in names)}
    for name, found in figures.items():
        assert all(share["value"] >= 0.7 for share in found.values()), name


def test_the_tutorial_sampler_fits_on_a_page() -> None:
    file = ROOT / "plugins" / "attrbank-example-sampler" / "attrbank_example_sampler.py"
    assert len(file.read_text().splitlines()) <= 40
