"""Write a new plugin from the templates that come with attrbank."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Literal, TypeAlias

from attrbank.errors import InvalidValueError, StorageError
from attrbank.names import validate_name

PluginKind: TypeAlias = Literal["sampler", "backbone", "method", "metric", "judge", "executor", "command"]

PLACEHOLDER = "One sentence for attrbank's listings."
"""What stands for a summary until its author says what it is; ``plugins check`` refuses it."""

_SUFFIX = ".tmpl"


def write_plugin(name: str, kind: PluginKind, parent: Path, summary: str = PLACEHOLDER) -> Path:
    """Write the package ``attrbank-NAME`` into a folder of that name, and return it.

    Args:
        name: what users will type.
        kind: of what it offers.
        parent: where the folder goes.
        summary: one sentence that says what it is.

    Raises:
        InvalidValueError: the name is malformed or no package's, or the folder exists.
        StorageError: it cannot be written; nothing is left.
    """
    if not validate_name(name)[-1].isalnum():
        raise InvalidValueError(f"No package can be called 'attrbank-{name}'.", hint="End it with a letter or digit.")
    folder = parent / f"attrbank-{name}"
    try:
        folder.mkdir()
        with _all_or_nothing(folder):
            for source in ("common", kind):
                _write(resources.files("attrbank.plugin") / "templates" / source, folder, _words(name, kind, summary))
    except FileExistsError as error:
        raise InvalidValueError(f"There is a {folder.name!r} here already.", hint="Choose another name.") from error
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}.") from error
    return folder


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _words(name: str, kind: PluginKind, summary: str) -> dict[str, str]:
    """What the templates leave open."""
    words = [part.capitalize() for part in name.replace("-", "_").split("_")]
    # With its kind in it, the class takes no name that the templates or the language need: not None, not Facts.
    words.insert(0 if name[0].isdigit() else len(words), kind.capitalize())
    return {
        "name": name,
        "kind": kind,
        "summary": repr(" ".join(summary.split())),
        "package": f"attrbank-{name}",
        "module": f"attrbank_{name.replace('-', '_')}",
        "class_name": "".join(words),
    }


def _write(source: Traversable, folder: Path, words: dict[str, str]) -> None:
    for template in source.iterdir():
        target = folder / template.name.removesuffix(_SUFFIX).replace("MODULE", words["module"])
        if template.is_dir():
            target.mkdir(exist_ok=True)
            _write(template, target, words)
        elif template.name.endswith(_SUFFIX):
            target.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
