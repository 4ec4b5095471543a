"""The parts of a diffusers folder, each loaded by its own class, in the precision that is asked for, and in silence.

The pipelines of diffusers are avoided on purpose: they take longer to import, print warnings, and leave a
half-precision text encoder beside a single-precision network.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from attrbank.backbones.parts.part_prints import VOCABULARIES
from attrbank.backbones.parts.weights import advice, find_weights
from attrbank.errors import IncompatibleError


class FolderParts:
    """The parts of a model in a diffusers folder, each in a folder of its own.

    Args:
        folder: with ``model_index.json``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def network(self, kind: Any, part: str, dtype: torch.dtype) -> Any:
        """A network of the class ``kind``, frozen; raises as ``load_network`` does."""
        return load_network(kind, self._folder / part, dtype)

    def tokenizer(self, kind: Any, part: str, max_length: int) -> Any:
        """A tokenizer of the class ``kind``; raises as ``load_tokenizer`` does."""
        return load_tokenizer(kind, self._folder / part, max_length)


def load_network(kind: Any, path: Path, dtype: torch.dtype) -> Any:
    """A network of the class ``kind`` in evaluation mode with frozen weights, from safetensors only.

    Raises:
        IncompatibleError: the weights are missing, damaged, or do not fit their configuration.
    """
    try:
        variant = find_weights(path).variant
    except FileNotFoundError as error:
        raise IncompatibleError(f"{path} cannot be loaded as {kind.__name__}: {error}.", advice(path)) from error
    network, report = _from_pretrained(
        kind, path, variant=variant, torch_dtype=dtype, use_safetensors=True, output_loading_info=True
    )
    if missing := sorted(report["missing_keys"]):  # the libraries fill them with random numbers
        raise IncompatibleError(f"{path} lacks {len(missing)} of its weights, {missing[0]} for one.")
    return network.eval().requires_grad_(False)


def load_tokenizer(kind: Any, path: Path, max_length: int) -> Any:
    """A tokenizer of the class ``kind``, as vocab.json and merges.txt or as tokenizer.json.

    Raises:
        IncompatibleError: it is missing or damaged.
    """
    if not any((path / name).is_file() for name in VOCABULARIES):
        raise IncompatibleError(
            f"{path} holds no tokenizer.",
            hint=f"Copy it from the model's base: one of {', '.join(VOCABULARIES)} stands in it.",
        )
    tokenizer = _from_pretrained(kind, path)
    tokenizer.model_max_length = max_length  # folders often leave it out, and it is then 10^30
    return tokenizer


def _from_pretrained(kind: Any, path: Path, **options: Any) -> Any:
    try:
        with silence():
            return kind.from_pretrained(path, local_files_only=True, **options)
    except Exception as error:  # OSError, ValueError, RuntimeError, SafetensorError, KeyError ... by version
        reason = str(error).partition("\n")[0]
        raise IncompatibleError(f"{path} cannot be loaded as {kind.__name__}: {reason}", advice(path)) from error


@contextmanager
def silence() -> Iterator[None]:
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
