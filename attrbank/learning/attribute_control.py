"""Reads the files of Attribute Control (Baumann et al., arXiv 2403.17064) into text directions.

They are what ``torch.save`` makes of ``{"delta": {"tokenwise_delta.oai_clip_vit_l": (768,),
"tokenwise_delta.openclip_g": (1280,)}}``: a vector for each text encoder of Stable Diffusion XL, to be added to its
output at the subject's tokens. Torch's restricted reader (``weights_only``) builds tensors and plain containers alone,
and runs nothing of the file. This is the one module that asks it, and no bank ever holds such a file: what comes out is
an artifact like any other.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from attrbank import files
from attrbank.diffusion.protocols import Description
from attrbank.diffusion.spelling import token_spans_of
from attrbank.errors import CorruptArtifactError, IncompatibleError, NotFoundError
from attrbank.methods.binding import binding_of
from attrbank.methods.text import T_X
from attrbank.schema.stored import AttributeRecord, Imported, Resolved
from attrbank.text import printable

FORMAT = "Attribute Control"
SUFFIXES = frozenset({".pt", ".pth"})
LARGEST = 2**20
"""Bytes of a file, packed or unpacked; the published ones have 6 KB."""

_OUTER, _PREFIX = "delta", "tokenwise_delta."
_ENCODERS = {"oai_clip_vit_l": "text_encoder", "openclip_g": "text_encoder_2"}
"""Their names for text encoders -> those of folders of diffusers."""


class Published(NamedTuple):
    """What is in a file.

    Attributes:
        directions: (D,) in float32, by the names that encoders have in folders of diffusers.
        sha256: of the file.
    """

    directions: dict[str, Tensor]
    sha256: str


def read(path: Path) -> Published:
    """What is in a file of theirs.

    Raises:
        NotFoundError: there is no such file.
        CorruptArtifactError: it is not what they write: a plain dict of vectors in torch's zip format.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file {printable(str(path))}.")
    with files.reading(path):
        data = path.read_bytes() if path.stat().st_size <= LARGEST else b""
    if not data:
        _refuse(path, f"it is empty, or has more than {LARGEST} bytes")
    return Published(_directions(path, _loaded(path, data)), hashlib.sha256(data).hexdigest())


def bound(published: Published, name: str, word: str, model: Description) -> tuple[AttributeRecord, dict[str, Tensor]]:
    """Record and tensors of what was read, for a model whose text encoders it is of.

    Args:
        published: the vectors; those of encoders that the model does not have are left out.
        name: what to call the attribute.
        word: at which it acts unless the user names another.
        model: by whose text encoders it is bound.

    Raises:
        IncompatibleError: the model's text encoders are others, or it does not tell where words are.
    """
    kept = {}
    for encoder, _, (first, end), _ in token_spans_of(model, "", name):
        found = published.directions.get(encoder)
        if found is None or len(found) != end - first:
            theirs = "nothing" if found is None else f"{len(found)} numbers"
            raise IncompatibleError(
                f"The file holds {theirs} for the {encoder}, and that of {model.name} has {end - first}.",
                hint="Name a model with the text encoders that the vectors were made for.",
            )
        kept[encoder] = found
    return _record(published, name, word, model), kept


def _record(published: Published, name: str, word: str, model: Description) -> AttributeRecord:
    """What is known of it; the time, from which it acts, is their recommendation, and all else is the model's."""
    defaults, timestep = model.defaults, model.schedule.timestep_of(T_X)
    alpha_bar = model.schedule.alpha_bar(timestep)
    return AttributeRecord(
        name=name,
        method="text",
        seeds=(),
        words=(word,),
        imported=Imported(format=FORMAT, sha256=published.sha256),
        t_x=T_X,
        delta_tau=0.0,
        resolved=Resolved(timestep_x=timestep, timestep_z=timestep, alpha_bar_x=alpha_bar, alpha_bar_z=alpha_bar),
        backbone=binding_of(model),
        sampler=defaults.sampler,
        steps=defaults.steps,
        guidance_scale=defaults.guidance_scale,
    )


def _loaded(path: Path, data: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        _refuse(path, "it is not torch's zip format")
    if unpacked > LARGEST:
        _refuse(path, f"it unpacks to more than {LARGEST} bytes")
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of whatever kind a hostile file makes of it
        _refuse(path, f"it holds something else than tensors ({type(error).__name__})")


def _directions(path: Path, content: object) -> dict[str, Tensor]:
    inner = content.get(_OUTER) if isinstance(content, Mapping) and set(content) == {_OUTER} else None
    if not isinstance(inner, Mapping) or not inner:
        _refuse(path, f"it is no dict with {_OUTER!r} alone in it")
    known = {f"{_PREFIX}{theirs}": ours for theirs, ours in _ENCODERS.items()}
    if strange := [key for key in inner if key not in known]:
        _refuse(path, f"{printable(str(strange[0])[:80])!r} is no vector of theirs; known are {', '.join(known)}")
    for key, tensor in inner.items():
        if complaint := _complaint(tensor):
            _refuse(path, f"{key} is {complaint}")
    return {known[key]: tensor.detach().float().clone() for key, tensor in inner.items()}


def _complaint(tensor: object) -> str | None:
    if type(tensor) is not Tensor or tensor.layout != torch.strided or tensor.device.type != "cpu":
        return "no plain tensor"
    if tensor.dim() != 1 or not len(tensor) or not tensor.is_floating_point():
        return f"no vector of numbers, but {tuple(tensor.shape)} of {tensor.dtype}"
    return None if bool(tensor.isfinite().all()) else "not finite"


def _refuse(path: Path, reason: str) -> NoReturn:
    raise CorruptArtifactError(
        f"{printable(str(path))} is no file of {FORMAT}: {reason}.",
        hint="Attributes of attrbank's own are safetensors; nothing else is imported.",
    )
