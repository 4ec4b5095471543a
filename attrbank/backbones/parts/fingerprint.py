"""What decides whether an attribute fits a model: a hash of its shape and of a few of its weights.

Weights are rounded to half precision first, so that an fp16 copy of a model counts as the same, and a fine-tune
as another. Only the standard library is used: the answer is needed before any model is loaded.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attrbank.backbones.parts.tensors import StoredTensor, read_tensor, to_half
from attrbank.backbones.parts.weights import Weights, find_weights
from attrbank.errors import IncompatibleError


class Traits(NamedTuple):
    """What tells one model from another of its family: training moves it, and how it is sampled does not.

    Attributes:
        part: the folder of the network that denoises.
        tensors: small ones at both ends and at the clock of the network.
        config: the keys of its ``config.json`` that fix its shape.
        scheduler: the keys of ``scheduler_config.json`` that training fixed, with diffusers' defaults: a config that
            leaves one out equals one that spells it out.
    """

    part: str
    tensors: tuple[str, ...]
    config: tuple[str, ...]
    scheduler: Mapping[str, Any]


def fingerprint(
    network: Path,
    network_config: Mapping[str, Any],
    scheduler_config: Mapping[str, Any],
    traits: Traits,
    stored_as: Mapping[str, str] | None = None,
) -> str:
    """SHA-256, in hex, of the normalised configuration and of the family's tensors in half precision.

    Args:
        network: the weights of the network that denoises: its folder, or a checkpoint file of the whole model.
        network_config: its ``config.json``.
        scheduler_config: the model's ``scheduler_config.json``.
        traits: what counts, in this family.
        stored_as: the names that a checkpoint file gives to the family's tensors.

    Raises:
        IncompatibleError: the weights are not there, malformed, or of another kind of network.
    """
    try:
        weights = Weights(network, None) if network.is_file() else find_weights(network)

        def read(name: str) -> StoredTensor:
            stored = (stored_as or {}).get(name, name)
            return read_tensor(weights.file_of(stored), stored)

        return fingerprint_of(read, network_config, scheduler_config, traits)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise IncompatibleError(f"The weights in {network} cannot be read: {error}.") from error


def fingerprint_of(
    read: Callable[[str], StoredTensor],
    network_config: Mapping[str, Any],
    scheduler_config: Mapping[str, Any],
    traits: Traits,
) -> str:
    """The fingerprint of a network wherever it is; ``read`` gives a tensor of it by name, and may raise as it likes."""
    digest = hashlib.sha256(_normalised(network_config, scheduler_config, traits))
    for name in traits.tensors:
        tensor = read(name)
        digest.update(json.dumps([name, tensor.shape]).encode())
        digest.update(to_half(tensor))
    return digest.hexdigest()


def _normalised(network_config: Mapping[str, Any], scheduler_config: Mapping[str, Any], traits: Traits) -> bytes:
    config = {
        traits.part: {key: network_config.get(key) for key in traits.config},
        "scheduler": {key: scheduler_config.get(key, default) for key, default in traits.scheduler.items()},
    }
    return json.dumps(config, sort_keys=True).encode()
