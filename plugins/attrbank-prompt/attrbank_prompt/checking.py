"""Whether an artifact's tensors are such as the methods keep, seen before anything acts."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from attrbank.plugin import CorruptArtifactError
from attrbank_prompt.hearing import HEARD


def require_heard(tensors: Mapping[str, Tensor]) -> None:
    """A difference of what is heard has one row, (1, …).

    Raises:
        CorruptArtifactError: it is missing, or has another shape.
    """
    heard = {name: tensor for name, tensor in tensors.items() if name.startswith(HEARD)}
    if not heard:
        raise CorruptArtifactError("The attribute does not hold what is heard of its prompts.")
    for name, tensor in heard.items():
        _require_shape(name, tensor, (1, *tensor.shape[1:]))


def require_places(tensors: Mapping[str, Tensor], *, blends: bool) -> None:
    """``carried`` is (L, L), where L is how many positions a prompt has, and all else about them is (L,).

    Raises:
        CorruptArtifactError: a tensor is missing, or has another shape.
    """
    names = ("carried", "new", "weighted", *(("blend.source", "blend.target") if blends else ()))
    if missing := [name for name in names if name not in tensors]:
        raise CorruptArtifactError(f"The attribute does not hold its tensor {missing[0]!r}.")
    length = tensors["carried"].shape[-1:]
    for name in names:
        _require_shape(name, tensors[name], (*length, *length) if name == "carried" else (*length,))
    for name, tensor in tensors.items():
        if name.startswith(HEARD):
            of_each = length if tensor.dim() == 3 else tensor.shape[1:2]  # position, or of the whole prompt
            _require_shape(name, tensor, (1, *of_each, *tensor.shape[2:]))


def _require_shape(name: str, tensor: Tensor, expected: tuple[int, ...]) -> None:
    if tensor.dim() == 0 or tuple(tensor.shape) != expected:
        wrong = "×".join(map(str, tensor.shape)) or "that of a number"
        raise CorruptArtifactError(f"The attribute's tensor {name!r} cannot have its shape, {wrong}.")
