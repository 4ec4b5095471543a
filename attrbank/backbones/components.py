"""The parts of a Stable Diffusion folder, each loaded by its own class, in single precision and in silence.

``StableDiffusionPipeline`` is avoided on purpose: it takes longer to import, prints warnings, and leaves a
half-precision text encoder beside a single-precision network.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from attrbank.errors import IncompatibleError


class Components(NamedTuple):
    """What a latent diffusion model is made of; networks are in evaluation mode with frozen weights."""

    tokenizer: Any
    text_encoder: Any
    unet: Any
    vae: Any


def load_components(folder: Path) -> Components:
    """Load all parts of a folder from disk, safetensors only.

    Raises:
        IncompatibleError: a part is missing, damaged, or does not fit its configuration.
    """
    with _silence():
        text_encoder = _network(CLIPTextModel, folder / "text_encoder")
        return Components(
            _tokenizer(folder / "tokenizer", text_encoder.config.max_position_embeddings),
            text_encoder,
            _network(UNet2DConditionModel, folder / "unet"),
            _network(AutoencoderKL, folder / "vae"),
        )


def _network(kind: Any, path: Path) -> Any:
    network, report = _from_pretrained(kind, path, use_safetensors=True, output_loading_info=True)
    if missing := sorted(report["missing_keys"]):  # the libraries fill them with random numbers
        raise IncompatibleError(f"{path} lacks {len(missing)} of its weights, {missing[0]} for one.")
    return network.float().eval().requires_grad_(False)


def _tokenizer(path: Path, max_length: int) -> Any:
    tokenizer = _from_pretrained(CLIPTokenizer, path)
    tokenizer.model_max_length = max_length  # folders often leave it out, and it is then 10^30
    return tokenizer


def _from_pretrained(kind: Any, path: Path, **options: Any) -> Any:
    try:
        return kind.from_pretrained(path, local_files_only=True, **options)
    except Exception as error:  # OSError, ValueError, RuntimeError, SafetensorError, KeyError ... by version
        reason = str(error).partition("\n")[0]
        raise IncompatibleError(f"{path} cannot be loaded as {kind.__name__}: {reason}") from error


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the libraries' bars and warnings off the terminal, and leave their settings as they were."""
    libraries = (diffusers_logging, transformers_logging)
    before = [(library.get_verbosity(), library.is_progress_bar_enabled()) for library in libraries]
    for library in libraries:
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for library, (verbosity, had_bar) in zip(libraries, before, strict=True):
            library.set_verbosity(verbosity)
            if had_bar:
                library.enable_progress_bar()
