"""Fresh environments for plugins: their own Python and packages, sharing what attrbank itself needs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Environment(NamedTuple):
    """A virtual environment, in which commands run from ``folder``."""

    folder: Path
    executable: Path

    def install(self, *packages: Path) -> None:
        """Install packages from their sources, without the network."""
        options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
        pip = [sys.executable, "-m", "pip", "--python", str(self.executable), "install", *options]
        subprocess.run([*pip, *map(str, packages)], check=True)

    def python(self, *arguments: str) -> str:
        """Run Python and return what it printed; it must succeed, and warn of nothing."""
        inherited = {name: os.environ[name] for name in os.environ if not name.startswith(("PYTHONPATH", "ATTRBANK"))}
        done = subprocess.run(
            [str(self.executable), *arguments],
            cwd=self.folder,
            env=inherited | {"ATTRBANK_BANK": str(self.folder / "bank")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "warning" in done.stderr) == (0, False), done.stdout + done.stderr
        return done.stdout

    def attrbank(self, *arguments: str) -> str:
        """Run an attrbank command and return what it printed."""
        return self.python("-m", "attrbank", *arguments)


def fresh_environment(folder: Path) -> Environment:
    """A new environment below ``folder`` with this attrbank in it and no plugin."""
    venv.create(folder / "venv", symlinks=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    shared = folder / "shared"
    shared.mkdir()
    for needed in Path(sysconfig.get_path("purelib")).iterdir():
        if not needed.name.startswith("attrbank_"):  # a plugin that a contributor has installed
            (shared / needed.name).symlink_to(needed)
    (packages / "shared.pth").write_text(f"{ROOT}\n{shared}\n")
    return Environment(folder, folder / "venv" / "bin" / "python")
