"""What an attribute changes, as one array that can be compared: read from its artifact, without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from attrbank.errors import AttrbankError, CorruptArtifactError, IncompatibleError
from attrbank.methods.protocol import Method
from attrbank.names import VERSION
from attrbank.plugins.manager import load_plugins
from attrbank.schema.stored import AttributeRecord
from attrbank.store.blobs import Artifact

LARGEST = 2**24
"""Numbers in the largest direction that is looked at; no model here has a sixteenth of it."""
_DTYPES = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "U8": "u1", "I32": "<i4", "I64": "<i8"}


class Direction(NamedTuple):
    """A direction of length 1.

    Attributes:
        values: all its numbers, one behind the other, (n,).
        space: stands for method, shape and model; directions are comparable where it is the same, and it is not 0.
    """

    values: NDArray[np.float64]
    space: int


class _Arrays(Mapping[str, NDArray[Any]]):
    """An artifact's tensors, each parsed when it is asked for."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact, self._tensors = artifact, artifact.header.tensors

    def __getitem__(self, name: str) -> NDArray[Any]:
        info = self._tensors[name]
        start = self._artifact.header.size + info.start
        end = self._artifact.header.size + info.end
        flat = np.frombuffer(memoryview(self._artifact.data)[start:end], _DTYPES[info.dtype])
        if info.dtype == "BF16":  # the upper half of a float32
            flat = (flat.astype("<u4") << 16).view("<f4")
        return flat.reshape(info.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def direction_of(artifact: Artifact) -> Direction:
    """What an attribute changes, in the Euclidean metric of what its method changes: latents, or text embeddings.

    Raises:
        IncompatibleError: it banks no such thing.
        CorruptArtifactError: its tensors do not make one.
        NotFoundError: its method is not installed.
        AttrbankError: as its method has it.
    """
    record = artifact.record
    method = load_plugins().method_of(record)
    with np.errstate(all="ignore"):
        found = _asked(method, artifact)
        if found is None:
            raise IncompatibleError(
                f"{record.name} cannot be compared: what it banks is no direction.",
                "Vectors of the difference have one, whatever their core, and text directions are one.",
            )
        flat = np.asarray(found, dtype=np.float64).ravel()
        length = float(np.linalg.norm(flat))
    if not np.isfinite(length) or length == 0:
        raise CorruptArtifactError(f"The direction of {record.name} is {'zero' if length == 0 else 'not finite'}.")
    return Direction(flat / length, _space(record, method, found.shape))


def cosine(one: Direction, other: Direction) -> float:
    """From −1, the opposite, to 1, the same up to its length.

    Raises:
        IncompatibleError: they are of other methods, shapes or models.
    """
    if one.space != other.space:
        raise IncompatibleError("They are of different methods, shapes or models, and cannot be compared.")
    return float(np.clip(one.values @ other.values, -1.0, 1.0))


def makers() -> str:
    """What makes directions: attrbank and all methods, in their versions."""
    methods = load_plugins().registrations("method")
    told = [(spec.name, plugin.distribution, plugin.version) for spec, plugin in methods]
    return json.dumps([VERSION, *sorted(told)])


def _asked(method: Method, artifact: Artifact) -> NDArray[Any] | None:
    """What the method makes of the tensors."""
    record = artifact.record
    if np.prod(record.backbone.latent_shape, dtype=float) > LARGEST:  # small factors would make a large product
        raise CorruptArtifactError(f"{record.name} is for latents larger than any model's.")
    try:
        return method.direction(record, _Arrays(artifact))
    except AttrbankError:
        raise
    except Exception as error:  # whatever tensors of the wrong shape make a method raise
        reason = str(error).partition("\n")[0]
        raise CorruptArtifactError(f"The method {method.name!r} cannot use {record.name}: {reason}.") from error


def _space(record: AttributeRecord, method: Method, shape: tuple[int, ...]) -> int:
    """A hash: of the network that the edit fits alone, or else of the parts that decide (docs/architecture.md 6)."""
    known = record.backbone.parts
    parts = [known[part] for part in method.parts(record, record.core) if part in known]
    fingerprint = record.backbone.fingerprint
    model = parts if parts and not method.needs_its_network(record) else [fingerprint]
    told = json.dumps([record.method, model, shape]).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:8], "little") or 1
