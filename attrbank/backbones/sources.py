"""Where a model lies on disk: what a user's reference means."""

from __future__ import annotations

import os
import re
from pathlib import Path

from attrbank.errors import NotFoundError

PORTRAITS = Path(__file__).parent / "portraits" / "model"
"""The model that comes with attrbank."""

HUB_FILES = (
    "model_index.json",
    "attrbank.json",
    "config.json",
    "scheduler_config.json",
    "diffusion_pytorch_model.safetensors",
    "scheduler/*",
    "tokenizer*/*",
    "*/config.json",
    "text_encoder*/*.safetensors*",
    "unet/*.safetensors*",
    "transformer/*.safetensors*",
    "vae/*.safetensors*",
    "vqvae/*.safetensors*",
)
HUB_VARIANTS = ("*.fp16*", "*.non_ema*", "safety_checker/*", "feature_extractor/*")

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def resolve_backbone_path(reference: str, *, download: bool = True) -> Path:
    """The folder that a user's reference means.

    Args:
        reference: "portraits", a folder, or a hub id such as "owner/model".
        download: fetch a hub model that is not in the local cache.

    Raises:
        NotFoundError: there is no such model.
    """
    if reference == "portraits":
        return PORTRAITS
    path = Path(reference).expanduser()
    if os.path.isdir(path):
        return path
    if os.path.exists(path) or not _HUB_ID.fullmatch(reference):
        raise NotFoundError(
            f"There is no backbone {reference!r}.",
            hint="Give portraits, a folder in the format of diffusers, or a hub id such as owner/model.",
        )
    return _hub_folder(reference, download)


def _hub_folder(hub_id: str, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            hub_id,
            allow_patterns=list(HUB_FILES),
            ignore_patterns=list(HUB_VARIANTS),
            local_files_only=not download,
        )
    except Exception as error:  # a dozen unrelated kinds, from httpx to the hub's own
        raise NotFoundError(
            f"There is no folder {hub_id!r}, and no such model could be had from the hub.",
            hint="Check the spelling and the connection; a model that asks for a licence needs a login.",
        ) from error
    return Path(folder)
