"""Run by .ci/run against the installed wheel, from outside the repository."""

import json
import subprocess
import sys
from pathlib import Path

import attrbank


def test_the_package_is_the_installed_one():
    assert "site-packages" in Path(attrbank.__file__).parts


def test_the_main_job_runs_from_the_wheel(tmp_path):
    command = [sys.executable, "-m", "attrbank", "apply", "young", "smile", "--rho", "0.7", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [step["name"] for step in report["attributes"]] == ["young", "smile"]
    assert (tmp_path / report["output"]).stat().st_size > 10_000


def test_the_starter_bank_is_in_the_wheel():
    done = subprocess.run([sys.executable, "-m", "attrbank", "list", "-q"], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) >= 9


def test_a_plugin_written_from_the_wheel_keeps_its_contract(tmp_path):
    for arguments in (("new", "wave", "--kind", "sampler", "--summary", "Steps in waves."), ("check", "attrbank-wave")):
        command = [sys.executable, "-m", "attrbank", "plugins", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
