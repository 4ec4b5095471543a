"""Whatever leaves a network is looked at before anybody goes on with it: NaN would end as a black picture."""

from __future__ import annotations

from torch import Tensor, float32

from attrbank.errors import NumericError

_SMALL = "Its numbers may be too large for half precision: try --dtype float32."
_DAMAGED = "In half precision --dtype float32 helps; else its weights are damaged: take the model from a copy."

DECODED = "The picture that the backbone decoded"
"""What messages call it, whoever asked for one."""


def finite(tensor: Tensor, what: str) -> Tensor:
    """The tensor itself.

    Args:
        tensor: of any shape and precision.
        what: it is, as in "What the vae made".

    Raises:
        NumericError: it holds NaN or infinity.
    """
    if not bool(tensor.isfinite().all()):
        hint = _DAMAGED if tensor.dtype is float32 else _SMALL
        raise NumericError(f"{what} holds NaN or infinity.", hint)
    return tensor
