"""Reads the header of an artifact strictly, before anything else looks at the bytes; few tensors, and small texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attrbank.errors import CorruptArtifactError
from attrbank.schema.tensor_file import (
    ITEM_BYTES,
    LENGTH_BYTES,
    METADATA,
    TensorInfo,
    claimed_size,
    parse_object,
    parse_tensor,
)

RECORD_KEY = "attrbank.record"
DIGEST_KEY = "attrbank.digest"
MAX_HEADER = 2**20
MAX_TENSORS = 64

_LOOKS_LIKE = (
    (b"PK", "a zip archive or a PyTorch checkpoint"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x1f\x8b", "a gzip file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a git-lfs pointer, not the file itself"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"{", "JSON without tensors"),
)


@dataclass(frozen=True)
class Header:
    """A header that has passed every check.

    Attributes:
        metadata: the file's texts.
        tensors: name -> place, in the order of the data.
        size: bytes before the data.
    """

    metadata: Mapping[str, str]
    tensors: Mapping[str, TensorInfo]
    size: int

    def record(self) -> dict[str, Any]:
        """The attribute's record as plain JSON, not yet checked against the schema.

        Raises:
            CorruptArtifactError: there is none, or it is not a JSON object.
        """
        try:
            text = self.metadata[RECORD_KEY]
        except KeyError:
            raise CorruptArtifactError(
                "Not an attribute: the file is safetensors, but holds no attrbank record.",
                "attrbank reads the artifacts that attrbank learn writes.",
            ) from None
        with_reason = "Not a valid attribute: its record is damaged"
        try:
            return parse_object(text)
        except (ValueError, RecursionError) as error:
            raise CorruptArtifactError(f"{with_reason} ({error}).") from error


def parse_header(data: bytes, size: int | None = None) -> Header:
    """Reads and checks the header of a file.

    Args:
        data: the file, or its beginning with at least the whole header.
        size: bytes in the whole file; None means that ``data`` is all of it.

    Raises:
        CorruptArtifactError: the bytes are not an artifact; the message says what is wrong.
    """
    try:
        return _parse(data, len(data) if size is None else size)
    except (ValueError, RecursionError) as error:
        raise CorruptArtifactError(f"Not a valid artifact: {error}.") from error


def header_size(start: bytes) -> int:
    """Bytes before the data, as the first eight bytes claim.

    Raises:
        CorruptArtifactError: no header of ours is that long.
    """
    try:
        return _size(start)
    except ValueError as error:
        raise CorruptArtifactError(f"Not a valid artifact: {error}.") from error


def seal(data: bytes) -> bytes:
    """The same content in canonical form with a digest of all of it, by which a file that lost its name is checked.

    Raises:
        CorruptArtifactError: ``data`` is not a valid artifact.
    """
    plain = canonical(data)
    digest = hashlib.sha256(plain).hexdigest()
    return canonical(plain, {**parse_header(plain).metadata, DIGEST_KEY: digest})


def check_seal(data: bytes) -> None:
    """Does nothing if an artifact is as it was sealed; one from before there were seals is taken as it is.

    Raises:
        CorruptArtifactError: it is not, or has texts that no attrbank writes.
    """
    metadata = dict(parse_header(data).metadata)
    sealed = metadata.pop(DIGEST_KEY, None)
    if strange := sorted(metadata.keys() - {RECORD_KEY, "format"}):
        raise CorruptArtifactError(
            f"Not an attribute as attrbank writes them: it has a text called {strange[0][:80]!a}."
        )
    if sealed is not None and hashlib.sha256(canonical(data, metadata)).hexdigest() != sealed:
        raise CorruptArtifactError("The file is damaged: its bytes do not match the digest in it.", "Get it again.")


def canonical(data: bytes, metadata: Mapping[str, str] | None = None) -> bytes:
    """The same content in one fixed form, so that equal content gives equal bytes.

    Args:
        data: an artifact.
        metadata: its texts; None leaves them as they are.

    Keys are sorted, JSON is compact, and tensors lie in order of item size (largest first, which aligns them) and name.

    Raises:
        CorruptArtifactError: ``data`` is not a valid artifact.
    """
    header = parse_header(data)
    body = bytearray()
    texts = header.metadata if metadata is None else metadata
    head: dict[str, Any] = {METADATA: dict(texts)} if texts else {}
    for name in sorted(header.tensors, key=lambda name: (-ITEM_BYTES[header.tensors[name].dtype], name)):
        tensor = header.tensors[name]
        offsets = [len(body), len(body) + tensor.end - tensor.start]
        head[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": offsets}
        body += memoryview(data)[header.size + tensor.start : header.size + tensor.end]
    text = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + bytes(body)


def _parse(data: bytes, size: int) -> Header:
    start = _size(data)
    if start > size:
        raise ValueError(f"it is cut off inside its header, after {size} bytes")
    if data[LENGTH_BYTES : LENGTH_BYTES + 1] != b"{":
        raise ValueError(_appearance(data))
    fields = parse_object(data[LENGTH_BYTES:start].decode("utf-8"))
    metadata = _checked_metadata(fields.pop(METADATA, {}))
    if len(fields) > MAX_TENSORS:
        raise ValueError(f"it holds {len(fields)} tensors, more than {MAX_TENSORS}")
    tensors = {_checked_text(name): parse_tensor(name, field) for name, field in fields.items()}
    ordered = dict(sorted(tensors.items(), key=lambda item: item[1].start))
    _check_cover(ordered, size - start)
    return Header(metadata, ordered, start)


def _size(data: bytes) -> int:
    try:
        return claimed_size(data, MAX_HEADER)
    except ValueError:
        raise ValueError(_appearance(data)) from None


def _appearance(data: bytes) -> str:
    if not data:
        return "it is empty"
    if not data.strip(b"\0"):
        return "it holds nothing but zeros, as after a power failure"
    start = data[:64].lstrip().lower()
    looks = next((look for magic, look in _LOOKS_LIKE if start.startswith(magic.lower())), None)
    if data[257:262] == b"ustar":
        looks = "a tar archive"
    return f"it looks like {looks}" if looks else "it does not begin with a safetensors header"


def _checked_metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("its metadata is not an object")
    return {_checked_text(key): _checked_text(text) for key, text in value.items()}


def _checked_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("its metadata holds something else than text")
    try:
        value.encode("utf-8")  # JSON escapes can smuggle in lone surrogates, which no terminal can print
    except UnicodeEncodeError:
        raise ValueError("a text is not valid Unicode") from None
    return value


def _check_cover(tensors: Mapping[str, TensorInfo], size: int) -> None:
    end = 0
    for name, tensor in tensors.items():
        if tensor.start != end:
            raise ValueError(f"tensor {name[:80]!a} leaves a hole or overlaps another")
        end = tensor.end
    if end > size:
        raise ValueError(f"it is cut off: {end - size} bytes are missing")
    if end < size:
        raise ValueError(f"{size - end} bytes follow the last tensor")
