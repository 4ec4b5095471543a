"""Fingerprints of what stands around the network that denoises: text encoders with their tokenizers, codec, sampling.

They decide whether a picture would come out the same, and whether an edit fits that depends on more than latents.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrbank import files
from attrbank.backbones.parts.digest import weights_digest
from attrbank.backbones.parts.weights import find_weights

TEXT_CONFIG = ("num_hidden_layers", "hidden_act", "max_position_embeddings", "projection_dim")
CODEC_CONFIG = ("scaling_factor", "shift_factor", "latents_mean", "latents_std", "block_out_channels")
DEFAULTS: Mapping[str, Any] = {"scaling_factor": 0.18215}

VOCABULARIES = ("vocab.json", "merges.txt", "spiece.model", "tokenizer.json", "added_tokens.json")

TEXT, TEXT_OF_A_FILE = "text", "text in a single file"
TEXT_IN_CHECKPOINTS = ("cond_stage_model.", "conditioner.")
CODEC_IN_CHECKPOINTS = "first_stage_model."


def part_prints(
    path: Path, networks: Iterable[str], index: Mapping[str, Any], checkpoint: Path | None = None
) -> dict[str, str]:
    """SHA-256 in hex of each part: "text", "codec" and "sampling"; of what is missing or damaged, none.

    The encoders of a checkpoint file are "text in a single file": it may cut their weights another way than a folder
    does, so that the two prints of one model cannot be compared. Those of codecs can.

    Loading says what is wrong with a part; a plan that does not need it goes without.

    Args:
        path: the folder.
        networks: its parts that hold weights, by name.
        index: the contents of ``model_index.json``.
        checkpoint: the file that holds the weights instead.
    """
    text = [name for name in networks if name.startswith("text_encoder")]
    codec = next((name for name in networks if name in ("vae", "vqvae")), None)
    made: dict[str, Callable[[], str]] = {"sampling": lambda: _sampling(path, index)}
    if text:
        made[TEXT if checkpoint is None else TEXT_OF_A_FILE] = lambda: _digest(_of_text(path, text, checkpoint))
    if codec:
        made["codec"] = lambda: _digest([_of_network(path / codec, CODEC_CONFIG, checkpoint, CODEC_IN_CHECKPOINTS)])
    return {name: found for name, make in made.items() if (found := _attempted(make)) is not None}


def _attempted(make: Callable[[], str]) -> str | None:
    try:
        return make()
    except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error):
        return None


def _of_text(path: Path, encoders: Iterable[str], checkpoint: Path | None) -> Iterator[Any]:
    if checkpoint is not None:
        yield [_weights(checkpoint, prefix) for prefix in TEXT_IN_CHECKPOINTS]
    for name in encoders:
        if checkpoint is None:
            yield _of_network(path / name, TEXT_CONFIG)
        tokenizer = path / name.replace("text_encoder", "tokenizer")
        yield [[file, _file(tokenizer / file)] for file in VOCABULARIES]


def _of_network(
    folder: Path, config: Iterable[str], checkpoint: Path | None = None, prefix: str = ""
) -> tuple[str, dict[str, Any]]:
    stated = json.loads(files.read_text(folder / "config.json"))
    settings = {key: stated.get(key, DEFAULTS.get(key)) for key in config}
    weights = weights_digest(find_weights(folder).files()) if checkpoint is None else _weights(checkpoint, prefix)
    return weights or "", settings


def _weights(checkpoint: Path, prefix: str) -> str | None:
    return _attempted(lambda: weights_digest([checkpoint], prefix))


def _file(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _sampling(path: Path, index: Mapping[str, Any]) -> str:
    """The schedule with all that a model recommends for it, which no network shows."""
    folder = path / "scheduler" if (path / "scheduler").is_dir() else path
    stated = json.loads(files.read_text(folder / "scheduler_config.json"))
    told = {key: value for key, value in stated.items() if key == "_class_name" or not key.startswith("_")}
    return _digest([told, index.get("force_zeros_for_empty_prompt")])


def _digest(facts: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(list(facts), sort_keys=True).encode()).hexdigest()
