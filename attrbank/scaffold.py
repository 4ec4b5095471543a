"""Write a new plugin from the templates that come with attrbank."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Literal, TypeAlias

from attrbank.errors import InvalidValueError, StorageError
from attrbank.names import validate_name

PluginKind: TypeAlias = Literal["sampler", "backbone", "method", "metric"]

_SUFFIX = ".tmpl"


def write_plugin(name: str, kind: PluginKind, parent: Path) -> Path:
    """Write the package ``attrbank-NAME`` into a folder of that name, and return it.

    Raises:
        InvalidValueError: the name is malformed, or the folder exists.
        StorageError: it cannot be written.
    """
    words = _words(validate_name(name), kind)
    folder = parent / f"attrbank-{name}"
    try:
        folder.mkdir()
        for source in ("common", kind):
            _write(resources.files("attrbank") / "templates" / source, folder, words)
    except FileExistsError as error:
        raise InvalidValueError(f"There is a {folder.name!r} here already.", hint="Choose another name.") from error
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}.") from error
    return folder


def _words(name: str, kind: PluginKind) -> dict[str, str]:
    """What the templates leave open."""
    camel = "".join(part.capitalize() for part in name.replace("-", "_").split("_"))
    return {
        "name": name,
        "kind": kind,
        "package": f"attrbank-{name}",
        "module": f"attrbank_{name.replace('-', '_')}",
        "class_name": camel if camel[0].isalpha() else f"{kind.capitalize()}{camel}",
    }


def _write(source: Traversable, folder: Path, words: dict[str, str]) -> None:
    for template in source.iterdir():
        target = folder / template.name.removesuffix(_SUFFIX).replace("MODULE", words["module"])
        if template.is_dir():
            target.mkdir(exist_ok=True)
            _write(template, target, words)
        elif template.name.endswith(_SUFFIX):
            target.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
