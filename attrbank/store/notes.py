"""Annotations as files of a bank, ``annotations/<id>.json``; the index has a copy, and they are the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrbank.store import _fs, json_files
from attrbank.store.entry import DOCUMENT
from attrbank.store.layout import Layout

if TYPE_CHECKING:  # pydantic models are slow to import, and ``list`` does without them
    from attrbank.schema.annotated import Annotation

MAX_FILE = 2**17


def get(layout: Layout, identity: str) -> Annotation | None:
    """What the user has said of an attribute, if anything.

    Raises:
        CorruptArtifactError: it is no valid annotation, or that of another attribute.
        IncompatibleError: it has another format version.
        StorageError: it cannot be read.
    """
    return get_foreign(layout.annotation(identity), identity)


def get_foreign(path: Path, identity: str) -> Annotation | None:
    """The annotation of an attribute in a file from anywhere, if there is such a file; raises as ``get``."""
    from attrbank.schema.annotated import Annotation

    return json_files.read_about(Annotation, path, MAX_FILE, identity)


def put(layout: Layout, annotation: Annotation) -> None:
    """Write an annotation durably, in the place of any that is there; to be called under the lock.

    Raises:
        StorageError: it cannot be written.
    """
    _fs.make_folder(layout.annotations)
    _fs.publish(layout.annotation(annotation.id), json_files.dumped(annotation))


def merged(mine: Annotation | None, theirs: Annotation | None) -> Annotation | None:
    """Two annotations of one artifact as one: where they contradict each other, mine."""
    if mine is None or theirs is None:
        return mine or theirs
    both = {key: union(getattr(mine, key), getattr(theirs, key)) for key in ("former", "aliases", "tags")}
    last = {"pulled_from": theirs.pulled_from or mine.pulled_from}
    return mine.model_copy(update={"name": mine.name or theirs.name, "note": mine.note or theirs.note, **both, **last})


def named(annotation: Annotation | None, identity: str, name: str) -> Annotation:
    """An annotation, of which there may be none yet, with another name for its attribute."""
    from attrbank.schema.annotated import Annotation

    return (annotation or Annotation(id=identity)).model_copy(update={"name": name})


def union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """All of both, in their order, each once."""
    return tuple(dict.fromkeys((*first, *second)))


def called(facts: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """The derived facts of an artifact that goes by another name; None is its own."""
    if name is None or name == facts["name"]:
        return dict(facts)
    document = json.loads(facts[DOCUMENT]) | {"name": name}
    return {**facts, "name": name, DOCUMENT: json.dumps(document, allow_nan=False)}


def rows(annotation: Annotation) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the index keeps of an annotation: a row of ``annotations``, and rows of ``aliases``."""
    told = {"id": annotation.id, "tags": json.dumps(annotation.tags), "note": annotation.note}
    names = dict.fromkeys(annotation.former, 1) | dict.fromkeys(annotation.aliases, 0)
    return told, [{"name": name, "id": annotation.id, "former": former} for name, former in sorted(names.items())]
