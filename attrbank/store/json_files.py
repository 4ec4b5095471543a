"""Records as JSON files, in a bank or beside an exported artifact; believed when they are validated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from attrbank.errors import CorruptArtifactError, IncompatibleError
from attrbank.store import _fs

if TYPE_CHECKING:  # pydantic models are slow to import, and ``list`` does without them
    from pydantic import BaseModel

    from attrbank.schema.annotated import Annotation
    from attrbank.schema.measured import Card

    Model = TypeVar("Model", bound=BaseModel)
    About = TypeVar("About", Annotation, Card)


def read_about(model: type[About], path: Path, limit: int, identity: str) -> About | None:
    """What a file says of one artifact, if there is such a file; raises as ``read_model``, also if it is of another."""
    found = read_model(model, path, limit)
    if found and found.id != identity:
        raise _damaged(path, "it is of another attribute")
    return found


def read_model(model: type[Model], path: Path, limit: int) -> Model | None:
    """What a file of at most ``limit`` bytes holds, if there is such a file.

    Raises:
        CorruptArtifactError: it is larger, or not valid.
        IncompatibleError: it has another format version.
        StorageError: it cannot be read.
    """
    data = read_bytes(path, limit)
    return None if data is None else parsed(model, data, path)


def read_bytes(path: Path, limit: int) -> bytes | None:
    """The same, not yet parsed."""
    chunk = _fs.read_start(path, limit + 1)
    if chunk and len(chunk.data) > limit:
        raise _damaged(path, f"it is larger than {limit:,} bytes")
    return chunk and chunk.data


def dumped(model: BaseModel) -> bytes:
    """A record as a file."""
    return f"{model.model_dump_json(indent=1)}\n".encode()


def parsed(model: type[Model], data: bytes, path: Path) -> Model:
    """What the bytes of a file hold; raises as ``read_model``."""
    from pydantic import ValidationError

    from attrbank.schema.complaints import place_and_reason

    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        place, reason = place_and_reason(error)
        if place == "format_version":
            raise IncompatibleError(f"{path} has another format version.", "Update attrbank, or remove it.") from error
        raise _damaged(path, f"wrong at {place or 'its beginning'}: {reason}") from error


def _damaged(path: Path, reason: str) -> CorruptArtifactError:
    return CorruptArtifactError(f"{path} is damaged: {reason}.", "Remove it, or put a good copy in its place.")
