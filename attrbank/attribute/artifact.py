"""A learned attribute as bytes and back; the only module that knows safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from attrbank.errors import CorruptArtifactError, InvalidValueError, NumericError
from attrbank.schema.stored import AttributeRecord
from attrbank.store.blobs import Artifact
from attrbank.store.header import RECORD_KEY, canonical


@dataclass(frozen=True)
class LearnedAttribute:
    """What ``learn`` makes, a bank keeps and ``apply`` uses.

    Attributes:
        record: all that is known about it.
        tensors: name -> tensor; the method decides which, and their shapes. At most 64, none of them empty.
    """

    record: AttributeRecord
    tensors: Mapping[str, Tensor]


def encode(attribute: LearnedAttribute) -> bytes:
    """The attribute as an artifact; equal content gives equal bytes.

    Raises:
        NumericError: a tensor holds NaN or infinity.
        InvalidValueError: it is beyond the limits of an artifact.
    """
    try:
        return _encode(attribute)
    except (CorruptArtifactError, SafetensorError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidValueError(f"The attribute {attribute.record.name!r} cannot be stored: {reason}") from error


def decode(data: bytes) -> LearnedAttribute:
    """The attribute in an artifact; nothing in it is executed, and nothing is trusted before it is checked.

    Raises:
        CorruptArtifactError: the bytes are not a valid artifact, or its record does not follow the schema.
        IncompatibleError: it has another format version.
        NumericError: a tensor holds NaN or infinity.
    """
    return opened(Artifact.of(data))


def opened(artifact: Artifact) -> LearnedAttribute:
    """The attribute in an artifact that was read from a bank; raises as ``decode``."""
    record = artifact.record
    try:
        tensors = safetensors.torch.load(artifact.data)
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise CorruptArtifactError(f"Not a valid artifact: {error}.") from error
    attribute = LearnedAttribute(record, tensors)
    _refuse_non_finite(attribute)
    return attribute


def _encode(attribute: LearnedAttribute) -> bytes:
    _refuse_non_finite(attribute)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in attribute.tensors.items()}
    record = json.dumps(attribute.record.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return canonical(safetensors.torch.save(tensors, metadata={RECORD_KEY: record}))


def _refuse_non_finite(attribute: LearnedAttribute) -> None:
    for name, tensor in attribute.tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise NumericError(
                f"Tensor {name!a} of the attribute {attribute.record.name!r} holds NaN or infinity.",
                "Learn it again; other seeds or a smaller rank may help.",
            )
