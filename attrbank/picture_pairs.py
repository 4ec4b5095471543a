"""Pairs of pictures to learn from, as a backbone sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Backbone
from attrbank.framing import encoded, picture_size
from attrbank.input_image import read_image
from attrbank.methods.protocol import OnProgress
from attrbank.schema import PictureFiles, PicturePair


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
        NotFoundError, StorageError, InvalidValueError: a picture cannot be read; see ``read_image``.
    """
    size = picture_size(backbone)
    files, sources, targets = [], [], []
    for done, pair in enumerate(pairs, 1):
        source, target = read_image(pair.source), read_image(pair.target)
        files.append(PicturePair(source=source.sha256, target=target.sha256))
        sources.append(encoded(backbone, source, size))
        targets.append(encoded(backbone, target, size))
        on_progress("encoding", done, len(pairs))
    return EncodedPairs(tuple(files), torch.cat(sources), torch.cat(targets))
