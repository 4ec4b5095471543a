"""Where a model lies on disk: what a user's reference means."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from attrbank.backbones import short_names as shortnames
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.text import printable

PORTRAITS = Path(__file__).parent / "portraits" / "model"
"""The model that comes with attrbank."""

NETWORK_FOLDERS = ("text_encoder*", "unet", "transformer", "vae", "vqvae")
HUB_FILES = (
    "model_index.json",
    "attrbank.json",
    "config.json",
    "scheduler_config.json",
    "diffusion_pytorch_model.safetensors",
    "scheduler/*.json",
    "tokenizer*/*",
    "*/config.json",
    *(f"{folder}/*.safetensors*" for folder in NETWORK_FOLDERS),
)
HUB_HALVES = ("*.fp16.safetensors*", "*.fp16-*.safetensors*", "*.safetensors.index.fp16.json")
"""Copies in half precision, which are fetched only where a model has nothing else."""

_NEVER = ("*.non_ema*", "*.bf16*", "safety_checker/*", "feature_extractor/*")

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


class Source(NamedTuple):
    """A model on disk.

    Attributes:
        folder: in the format of diffusers; of the configuration alone if there is a checkpoint.
        checkpoint: the one safetensors file that holds all weights; None if the folder holds them.
    """

    folder: Path
    checkpoint: Path | None = None


def resolve(reference: str, *, download: bool = True) -> Source:
    """What a user's reference means.

    Args:
        reference: "portraits", a short name, a folder, ``FILE.safetensors#config=REFERENCE``, or a hub id.
        download: fetch a hub model that is not in the local cache, unless ``HF_HUB_OFFLINE=1``.

    Raises:
        NotFoundError: there is no such model.
        InvalidValueError: it is a single file that needs a configuration, or that is not safetensors.
    """
    reference = expand(reference)
    if reference == "portraits":
        return Source(PORTRAITS)
    file, mark, config = reference.rpartition(shortnames.CONFIG_MARK)
    if mark:
        return Source(resolve(config, download=download).folder, _checkpoint(file))
    path = Path(reference).expanduser()
    if os.path.isdir(path):
        return Source(path)
    if os.path.isfile(path):
        raise InvalidValueError(
            f"{printable(str(_checkpoint(reference)))} is a single file, which does not say how its networks are made.",
            hint="Add --config DIR: a folder in the format of diffusers, of a model of the same kind.",
        )
    if os.path.exists(path) or not _HUB_ID.fullmatch(reference):
        raise NotFoundError(
            f"There is no backbone {printable(reference)!r}.",
            hint="Give portraits, a short name, a folder in the format of diffusers, or a hub id such as owner/model.",
        )
    return Source(_hub_folder(reference, download))


def absolute(reference: str) -> str:
    """The reference as it reads from any folder; short names and hub ids are left as they are."""
    file, mark, config = reference.rpartition(shortnames.CONFIG_MARK)
    if mark:
        return f"{absolute(file)}{mark}{absolute(config)}"
    path = Path(reference).expanduser()
    return os.path.abspath(path) if os.path.exists(path) else reference


def expand(reference: str) -> str:
    """What a short name stands for; anything else is itself."""
    if reference == "portraits" or "/" in reference or os.path.isdir(reference):
        return reference
    return shortnames.read_table().get(reference, reference)


def _checkpoint(file: str) -> Path:
    path = Path(file).expanduser()
    if not os.path.isfile(path):
        raise NotFoundError(f"There is no file {printable(file)!r}.")
    if path.suffix != ".safetensors":
        raise InvalidValueError(
            f"{printable(file)} is not a safetensors file.",
            hint="Other checkpoints can run code when they are read; convert the file first.",
        )
    return path


def _hub_folder(hub_id: str, download: bool) -> Path:
    folder = _snapshot(hub_id, download, (*_NEVER, *HUB_HALVES))
    if download and not _has_all_weights(folder):
        return _snapshot(hub_id, download, _NEVER)
    return folder


def _has_all_weights(folder: Path) -> bool:
    networks = [path for pattern in NETWORK_FOLDERS for path in folder.glob(pattern)]
    return all(any(network.glob("*.safetensors")) for network in networks)


def _snapshot(hub_id: str, download: bool, ignored: tuple[str, ...]) -> Path:
    from huggingface_hub import constants, snapshot_download

    try:
        folder = snapshot_download(
            hub_id, allow_patterns=list(HUB_FILES), ignore_patterns=list(ignored), local_files_only=not download
        )
    except Exception as error:  # a dozen unrelated kinds, from httpx to the hub's own
        # Who fetched one precision alone misses the others, and nothing that is needed.
        partial = Path(getattr(error, "snapshot_path", None) or "nowhere")
        if (partial / "model_index.json").is_file() and _has_all_weights(partial):
            return partial
        if not download or constants.HF_HUB_OFFLINE:
            raise NotFoundError(
                f"There is no folder {hub_id!r}, and no such model of the hub is on this disk.",
                hint=f"Fetch it once, online: attrbank backbones add NAME {hub_id}",
            ) from error
        raise NotFoundError(
            f"There is no folder {hub_id!r}, and no such model could be had from the hub.",
            hint="Check the spelling and the connection; a model that asks for a licence needs a login.",
        ) from error
    return Path(folder)
