"""Artifacts as files: put durably, got only when their bytes are what their id says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attrbank.errors import CorruptArtifactError, NotFoundError
from attrbank.store import _fs
from attrbank.store.header import Header, header_size, parse_header
from attrbank.store.layout import ARTIFACT_SUFFIX, Layout, identity_of

if TYPE_CHECKING:
    from attrbank.schema.stored import AttributeRecord

MAX_ARTIFACT = 2**30
_FIRST_READ = 2**14
_PROMISED_ID = re.compile(rf"(?:^|-)([0-9a-f]{{12}}|[0-9a-f]{{64}}){re.escape(ARTIFACT_SUFFIX)}$")


@dataclass(frozen=True, eq=False)
class Artifact:
    """An artifact that was read: once, for all who need something of it.

    Attributes:
        data: all its bytes.
        header: what they begin with, checked against our limits.
    """

    data: bytes = field(repr=False)
    header: Header

    @classmethod
    def of(cls, data: bytes) -> Artifact:
        """The artifact that these bytes are.

        Raises:
            CorruptArtifactError: they are none.
        """
        return cls(data, parse_header(data))

    @cached_property
    def record(self) -> AttributeRecord:
        """All that it says about itself beside its tensors.

        Raises:
            CorruptArtifactError: it does not follow the schema.
            IncompatibleError: it has another format version.
        """
        from attrbank.store.record import validated_record  # pydantic models are slow to import

        return validated_record(self.header)


def identify(data: bytes) -> str:
    """The id of an artifact: the SHA-256 of its bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def put(layout: Layout, identity: str, data: bytes) -> None:
    """Stores an artifact durably; one that is there already is checked, and repaired if it is damaged.

    Raises:
        StorageError: it cannot be written.
    """
    path = layout.object(identity)
    _fs.make_folder(path.parent)
    there = _fs.read_start(path, len(data) + 1)
    if there and there.data == data:
        _fs.settle(path)
    else:
        _fs.publish(path, data)


def get(path: Path) -> Artifact:
    """An artifact, read once and checked against the id in its file name and our limits on headers.

    Raises:
        CorruptArtifactError: it is missing, or its bytes are not what its id says.
        StorageError: it cannot be read.
    """
    data = _read(path)
    if data is None:
        raise CorruptArtifactError(f"The artifact {path} is missing.", "Run: attrbank verify")
    if identify(data) != identity_of(path):
        raise CorruptArtifactError(
            f"The artifact {path} is damaged: {_what_is_wrong(data)}.",
            "Learn the attribute again, or put back a good copy of the file; attrbank verify checks all.",
        )
    return Artifact.of(data)


def get_foreign(path: Path) -> bytes:
    """The bytes of a file from outside, checked against the id in its name if there is one, and not yet looked into.

    Raises:
        NotFoundError: there is no such file.
        CorruptArtifactError: it is larger than any artifact, or not the one that its name promises.
        StorageError: it cannot be read.
    """
    data = _read(path)
    if data is None:
        raise NotFoundError(f"There is no file {path}.")
    promised = _PROMISED_ID.search(path.name)
    if promised and not identify(data).startswith(promised[1]):
        raise CorruptArtifactError(
            f"{path} is damaged: its bytes do not match the id in its name.",
            "Get the file again; or rename it, if those digits are no id.",
        )
    return data


def get_header(path: Path) -> tuple[Header, int]:
    """An artifact's header and size in bytes, without reading its tensors and so without checking its hash.

    Raises:
        CorruptArtifactError: it is missing, or is not an artifact.
        StorageError: it cannot be read.
    """
    chunk = _fs.read_start(path, _FIRST_READ)
    if chunk and header_size(chunk.data) > len(chunk.data):
        chunk = _fs.read_start(path, header_size(chunk.data))
    if chunk is None:
        raise CorruptArtifactError(f"The artifact {path} is missing.")
    return parse_header(chunk.data, chunk.size), chunk.size


def _read(path: Path) -> bytes | None:
    chunk = _fs.read_start(path, MAX_ARTIFACT + 1)
    if chunk and len(chunk.data) > MAX_ARTIFACT:
        raise CorruptArtifactError(f"The artifact {path} is larger than {MAX_ARTIFACT:,} bytes.")
    return chunk and chunk.data


def _what_is_wrong(data: bytes) -> str:
    try:
        parse_header(data)
    except CorruptArtifactError as error:
        return error.message.removeprefix("Not a valid artifact: ").removesuffix(".")
    return "its bytes do not match its id"
