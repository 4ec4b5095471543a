"""A package of ``plugins/`` as pip would have registered it, in this process."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from attrbank.plugins.manager import load_plugins

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


@contextmanager
def registered(package: str, folder: Path) -> Iterator[None]:
    """Put a package and its entry points, as its ``pyproject.toml`` has them, on the path.

    Args:
        package: the name of its folder.
        folder: an empty one, for the metadata.
    """
    project = tomllib.loads((PLUGINS / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / f"{package.replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {project['version']}\n")
    points = project["entry-points"]["attrbank"]
    (metadata / "entry_points.txt").write_text("".join(["[attrbank]\n", *(f"{n} = {v}\n" for n, v in points.items())]))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ATTRBANK_PLUGINS", raising=False)
        patch.syspath_prepend(PLUGINS / package)
        patch.syspath_prepend(folder)
        load_plugins.cache_clear()
        yield
    load_plugins.cache_clear()
