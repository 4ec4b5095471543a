"""What decides whether an attribute fits a model: a hash of its configuration and of all its weights.

Weights are rounded to half precision first, so that an fp16 copy of a model counts as the same, and a fine-tune, or
a LoRA that was fused into it, as another. Only the standard library is used: the answer is needed before any model
is loaded.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attrbank.backbones.parts.digest import weights_digest
from attrbank.backbones.parts.tensors import StoredTensor, read_tensor, to_half
from attrbank.backbones.parts.weights import Weights, advice, find_weights
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


class NamesInCheckpoints(NamedTuple):
    """What a checkpoint file calls the tensors of a network.

    Attributes:
        prefix: that all of them begin with.
        names: of the family's tensors.
    """

    prefix: str
    names: Mapping[str, str]


class Fingerprints(NamedTuple):
    """What a model is known by.

    Attributes:
        now: of its configuration and all weights of the network that denoises.
        former: of the configuration and the family's tensors alone, by which older artifacts know it.
    """

    now: str
    former: str


def fingerprints(
    network: Path,
    network_config: Mapping[str, Any],
    scheduler_config: Mapping[str, Any],
    traits: Traits,
    checkpoint: NamesInCheckpoints | None = None,
) -> Fingerprints:
    """SHA-256, in hex, of the normalised configuration and of weights in half precision.

    Args:
        network: the weights of the network that denoises: its folder, or a checkpoint file of the whole model.
        network_config: its ``config.json``.
        scheduler_config: the model's ``scheduler_config.json``.
        traits: what counts, in this family.
        checkpoint: what the file calls tensors, if it is one.

    Raises:
        IncompatibleError: the weights are not there, malformed, or of another kind of network.
    """
    prefix, names = checkpoint or NamesInCheckpoints("", {})
    try:
        weights = Weights(network, None) if network.is_file() else find_weights(network)

        def read(name: str) -> StoredTensor:
            stored = names.get(name, name)
            return read_tensor(weights.file_of(stored), stored)

        former = former_fingerprint(read, network_config, scheduler_config, traits)
        digest = weights_digest(weights.files(), prefix)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise IncompatibleError(f"The weights in {network} cannot be read: {error}.", advice(network)) from error
    return Fingerprints(fingerprint_of(digest, network_config, scheduler_config, traits), former)


def fingerprint_of(
    weights: str, network_config: Mapping[str, Any], scheduler_config: Mapping[str, Any], traits: Traits
) -> str:
    """The fingerprint of a network wherever it is, by the digest of its weights."""
    digest = hashlib.sha256(_normalised(network_config, scheduler_config, traits))
    digest.update(weights.encode())
    return digest.hexdigest()


def former_fingerprint(
    read: Callable[[str], StoredTensor],
    network_config: Mapping[str, Any],
    scheduler_config: Mapping[str, Any],
    traits: Traits,
) -> str:
    """That of the family's tensors; ``read`` gives a tensor of it by name, and may raise as it likes."""
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
