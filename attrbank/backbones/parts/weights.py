"""Which of the files in a network's folder hold its weights. Only names are looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from attrbank.files import read_text

VARIANTS = (None, "fp32", "fp16", "bf16")
"""The suffixes in file names, as diffusers calls them, the best first. Others, such as non_ema, are other weights."""

STEMS = ("diffusion_pytorch_model", "model")
"""What diffusers and transformers call the file."""


class Weights(NamedTuple):
    """The weights of one network.

    Attributes:
        path: the file that holds all, or the index that names the shards.
        variant: the suffix in the name, None for the plain one.
    """

    path: Path
    variant: str | None

    def files(self) -> list[Path]:
        """All of them, shards and all.

        Raises:
            OSError, ValueError, KeyError, TypeError: the index is damaged.
        """
        if self.path.suffix != ".json":
            return [self.path]
        shards = json.loads(read_text(self.path))["weight_map"].values()
        return sorted({self.path.parent / Path(shard).name for shard in shards})

    def file_of(self, tensor: str) -> Path:
        """The file that holds a tensor.

        Raises:
            OSError, ValueError, KeyError, TypeError: the index is damaged, or does not name the tensor.
        """
        if self.path.suffix != ".json":
            return self.path
        shard = json.loads(read_text(self.path))["weight_map"][tensor]
        return self.path.parent / Path(shard).name


LFS = b"version https://git-lfs"
"""How a file begins that stands for another, which was not fetched."""

UNSAFE = ("*.bin", "*.ckpt", "*.pt", "*.pth")
"""Weights in formats that can run code when they are read."""


def advice(weights: Path) -> str | None:
    """What helps where a network's folder, or a checkpoint file, holds no weights that can be read; None if unknown."""
    files = [weights] if weights.is_file() else sorted(weights.glob("*.safetensors"))
    try:
        if any(_begins(path, LFS) for path in files):
            return "They are pointers of Git LFS, not the files: git lfs pull in the folder fetches them."
        if not files and any(found for pattern in UNSAFE for found in weights.glob(pattern)):
            return (
                "Weights in .bin files can run code when they are read. Convert them once, where you trust them: "
                "load the model with diffusers, and call its save_pretrained(NEW_FOLDER, safe_serialization=True)."
            )
    except OSError:
        return None
    return None


def _begins(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def find_weights(folder: Path) -> Weights:
    """The best of the weights that a network's folder holds: plain ones before variants, shards before a single file.

    Raises:
        FileNotFoundError: there are none in the safetensors format.
    """
    for variant in VARIANTS:
        suffix = f".{variant}" if variant else ""
        for stem in STEMS:
            for name in (f"{stem}.safetensors.index{suffix}.json", f"{stem}{suffix}.safetensors"):
                if (folder / name).is_file():
                    return Weights(folder / name, variant)
    raise FileNotFoundError(f"there is no {STEMS[0]}.safetensors or {STEMS[1]}.safetensors")
