"""What the suites have in common: one object under test, and promises that are kept or broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Outcome(NamedTuple):
    """How one promise fared; ``error`` is None if it was kept."""

    promise: str
    error: str | None


class Contract:
    """A suite of promises: every ``test_...`` method is one, and raises AssertionError if it is broken."""

    _subject: Any = None

    def make(self) -> Any:
        """The object to test; a new one each time, if a promise needs two."""
        raise NotImplementedError

    @property
    def subject(self) -> Any:
        """The object under test, made on first use."""
        if "_subject" not in vars(type(self)):  # that of a class which this one derives from is another
            type(self)._subject = self.make()
        return self._subject

    def outcomes(self) -> Iterator[Outcome]:
        """Try every promise, in the order in which they are written."""
        for name in (name for kind in reversed(type(self).__mro__) for name in vars(kind)):
            if name.startswith("test_"):
                yield Outcome(name.removeprefix("test_").replace("_", " "), self._failure(name))

    def _failure(self, name: str) -> str | None:
        try:
            getattr(self, name)()
        except (Exception, SystemExit) as error:  # code of plugins fails in any way it likes
            return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        return None


def require(kept: bool, otherwise: str) -> None:
    """Fail with a sentence, with or without pytest and whatever the interpreter's optimisation.

    Raises:
        AssertionError: the promise is not kept.
    """
    if not kept:
        raise AssertionError(otherwise)


def require_finite(what: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Require a tensor of that shape without NaN or infinity."""
    require(tuple(tensor.shape) == shape, f"{what} has the shape {tuple(tensor.shape)} instead of {shape}")
    require(bool(tensor.isfinite().all()), f"{what} holds NaN or infinity")


def require_close(what: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    """Require that two tensors differ by no more than the tolerance anywhere."""
    difference = float((found - expected).abs().max())
    require(difference <= tolerance, f"{what}: a difference of {difference:.3g}, where {tolerance:g} is allowed")


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers, the same every time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
