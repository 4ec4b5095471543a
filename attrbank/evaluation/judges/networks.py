"""The networks that judge photographs: CLIP, LPIPS and Inception, through the libraries that others use.

All weights are local files; nothing is downloaded. What the last two need comes with the extra ``networks``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from attrbank.errors import AttrbankError, IncompatibleError, NotFoundError
from attrbank.text import printable

CLIP, CONFIGURATION = "clip", "config.json"
INCEPTION = "hub/checkpoints/weights-inception-2015-12-05-6726825d.pth"
ALEXNET = "hub/checkpoints/alexnet-owt-7be5be79.pth"
"""Where they lie in the folder: CLIP as a folder of transformers, the others as torch.hub keeps them."""

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Networks(Protocol):
    """What the CLIP judge asks for. Images are (B, 3, h, w) in [0, 1].

    Attributes:
        weights: what identifies the weights.
    """

    weights: str

    def clip_text(self, prompts: Sequence[str]) -> Tensor:
        """Embeddings of prompts, (B, D), of unit length."""
        ...

    def clip_image(self, images: Tensor) -> Tensor:
        """Embeddings of images, (B, D), of unit length."""
        ...

    @property
    def lpips(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        """LPIPS between pictures of the same row, (B,), 0 for equal ones; None without the network."""
        ...

    @property
    def inception(self) -> Callable[[Tensor], Tensor] | None:
        """The features of FID, (B, 2048); None without the network."""
        ...


class Clip:
    """CLIP from a folder of transformers.

    ``CLIPScore`` of torchmetrics 1.9 is not used: it fails with transformers 5.

    Raises:
        IncompatibleError: the folder cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import CLIPModel, CLIPTokenizer

        try:
            self._model: Any = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
            self._tokenizer: Any = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # OSError, ValueError, SafetensorError ... by version
            reason = str(error).partition("\n")[0]
            raise IncompatibleError(f"{printable(str(folder))} cannot be loaded as CLIP: {reason}") from error
        self._size = self._model.config.vision_config.image_size
        self._length = self._model.config.text_config.max_position_embeddings

    @torch.no_grad()
    def text(self, prompts: Sequence[str]) -> Tensor:
        """Embeddings of prompts, (B, D), of unit length."""
        tokens = self._tokenizer(
            list(prompts), padding="max_length", truncation=True, max_length=self._length, return_tensors="pt"
        )
        return functional.normalize(self._model.get_text_features(**tokens).pooler_output, dim=1)

    @torch.no_grad()
    def image(self, images: Tensor) -> Tensor:
        """Embeddings of images (B, 3, h, w) in [0, 1], (B, D), of unit length."""
        size = (self._size, self._size)
        fitted = functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)
        mean, std = (torch.tensor(channels)[:, None, None] for channels in (CLIP_MEAN, CLIP_STD))
        found = self._model.get_image_features(pixel_values=(fitted - mean) / std).pooler_output
        return functional.normalize(found, dim=1)


class LocalNetworks:
    """CLIP by transformers and, where there is a folder ``hub``, LPIPS by torchmetrics and FID's Inception.

    Args:
        folder: with CLIP in ``clip``; or CLIP's own folder.

    Raises:
        NotFoundError: a file of weights is not there.
        AttrbankError: a library is not installed.
        IncompatibleError: CLIP's folder cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        own = folder / CONFIGURATION
        clip, all_three = (folder if own.is_file() else folder / CLIP), (folder / "hub").is_dir()
        needed = (clip / CONFIGURATION, *((folder / INCEPTION, folder / ALEXNET) if all_three else ()))
        for part in needed:
            if not part.is_file():
                raise NotFoundError(
                    f"{printable(str(folder))} lacks {part.relative_to(folder)}.",
                    hint="docs/evaluation.md says where each file comes from.",
                )
        self.weights = _fingerprint(folder)
        self.lpips = self.inception = None
        if all_three:
            with _safely_from(folder / "hub"):
                self.lpips, self.inception = _lpips(), _inception(folder / INCEPTION)
        networks = Clip(clip)
        self.clip_text, self.clip_image = networks.text, networks.image


def load(folder: Path) -> Networks:
    """The networks whose weights lie in a folder; raises as ``LocalNetworks`` does."""
    return LocalNetworks(folder)


def _lpips() -> Callable[[Tensor, Tensor], Tensor]:
    """LPIPS (AlexNet) of images (B, 3, h, w) in [0, 1], (B,)."""
    with _needed():
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        network = LearnedPerceptualImagePatchSimilarity("alex", reduction="none", normalize=True)

    @torch.no_grad()
    def distances(before: Tensor, after: Tensor) -> Tensor:
        found: Tensor = network(before, after)
        network.reset()  # it would keep every figure for an average that nobody asks for
        return found.flatten()

    return distances


def _inception(path: Path) -> Callable[[Tensor], Tensor]:
    """The features of FID by torch-fidelity, for images (B, 3, h, w) in [0, 1], (B, 2048)."""
    with _needed():
        from torch_fidelity import FeatureExtractorInceptionV3

        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))

    @torch.no_grad()
    def features(images: Tensor) -> Tensor:
        found: Tensor = network((images * 255).round().to(torch.uint8))[0]
        return found

    return features


@contextlib.contextmanager
def _needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise AttrbankError(
            f"Judging photographs needs {error.name or error}, which is not installed.",
            hint='In a clone of attrbank: pip install -c constraints.txt ".[networks]"',
        ) from error


@contextlib.contextmanager
def _safely_from(hub: Path) -> Iterator[None]:
    """Let torch.hub find its files here, and let no library's ``torch.load`` unpickle more than tensors."""
    before, variable = torch.hub.get_dir(), "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    torch.hub.set_dir(str(hub))
    had = os.environ.get(variable)
    os.environ[variable] = "1"
    try:
        yield
    finally:
        torch.hub.set_dir(before)
        os.environ.pop(variable)
        os.environ.update({variable: had} if had is not None else {})


def _fingerprint(folder: Path) -> str:
    """Twelve hex digits that stand for the sizes of all files of weights."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in files)
    return hashlib.sha256(listed.encode()).hexdigest()[:12]
