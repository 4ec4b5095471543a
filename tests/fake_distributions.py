"""Installed plugins for tests: a folder on ``sys.path`` with a module and the metadata of its distribution."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

OFFERS_EULER = """
from attrbank.hookspecs import Spec, hookimpl

@hookimpl
def register_samplers(register):
    register(Spec("euler", "Euler's method.", target="attrbank_euler:Euler"))

class Euler:
    name = "euler"
"""


def install(folder: Path, distribution: str, code: str, *, entry_point: str | None = None) -> Path:
    """Lay a distribution with one module into ``folder``, which is then to be put on the path."""
    module = distribution.replace("-", "_")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    target = entry_point or module
    (metadata / "entry_points.txt").write_text(f"[attrbank]\n{distribution.removeprefix('attrbank-')} = {target}\n")
    (folder / f"{module}.py").write_text(dedent(code))
    return folder
