"""Pairs of pictures or latents to learn from, as a backbone sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Backbone
from attrbank.methods.protocol import OnProgress
from attrbank.pictures.find import LATENT_SUFFIX
from attrbank.pictures.frame import encoded, picture_size
from attrbank.pictures.read import read_image
from attrbank.pictures.read_latent import read_latent
from attrbank.schema.asked import PictureFiles
from attrbank.schema.stored import PicturePair


class EncodedPairs(NamedTuple):
    """Pairs of pictures as a backbone sees them.

    Shapes:
        source, target: (M, C, H, W), clean latents.
    """

    files: tuple[PicturePair, ...]
    source: Tensor
    target: Tensor


def encode_pairs(backbone: Backbone, pairs: Sequence[PictureFiles], on_progress: OnProgress) -> EncodedPairs:
    """Read and encode every pair, one picture at a time.

    Raises:
        NotFoundError, StorageError, InvalidValueError, NumericError: one cannot be read; see ``read_image`` and
            ``read_latent``.
    """
    size = picture_size(backbone)
    files, sources, targets = [], [], []
    for done, pair in enumerate(pairs, 1):
        (source, source_sha256), (target, target_sha256) = (
            _latent_of(backbone, path, size) for path in (pair.source, pair.target)
        )
        files.append(PicturePair(source=source_sha256, target=target_sha256))
        sources.append(source)
        targets.append(target)
        on_progress("encoding", done, len(pairs))
    return EncodedPairs(tuple(files), torch.cat(sources), torch.cat(targets))


def _latent_of(backbone: Backbone, path: Path, size: tuple[int, int]) -> tuple[Tensor, str]:
    """The latent (1, C, H, W) of a picture, or in a file of its own, and the SHA-256 of the file."""
    if path.suffix.lower() == LATENT_SUFFIX:
        return read_latent(path, backbone.latent_shape)
    image = read_image(path)
    return encoded(backbone, image, size), image.sha256
