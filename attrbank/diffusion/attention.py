"""Where a UNet looks: the probabilities of its attention, where prompt-to-prompt (arXiv 2208.01626) acts.

A backbone that has such layers may show what they make, and let it be changed. Transformers that attend to picture and
prompt in one sequence show none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, cast

from attrbank.errors import IncompatibleError

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.diffusion.protocols import Backbone, Conditioning


class Layer(NamedTuple):
    """One attention of a network.

    Attributes:
        name: as the network calls it.
        cross: whether it attends to the prompt; if not, to the picture itself.
        size: height and width of the map whose places ask.
    """

    name: str
    cross: bool
    size: tuple[int, int]


Attend: TypeAlias = "Callable[[Tensor, Layer, int], Tensor]"
"""What becomes of a layer's probabilities (B, heads, H'·W', K) at a timestep; K is the prompt's length, or H'·W'."""

Wants: TypeAlias = Callable[[Layer], bool]
"""Which layers; what others make is never laid out in memory."""


def every_layer(layer: Layer) -> bool:
    """All that there are."""
    return True


class Attentive(Protocol):
    """A backbone that shows its attention."""

    def attention(
        self, latent: Tensor, timestep: int, conditioning: Conditioning, wants: Wants = every_layer
    ) -> Mapping[Layer, Tensor]:
        """The probabilities of its layers for latents (B, C, H, W), each (B, heads, H'·W', K), float32.

        The last axis sums to 1. Differentiable in the latent, and no row knows of the others.
        """
        ...

    def attending(self, change: Attend, wants: Wants = every_layer) -> Backbone:
        """The same model, which goes on from ``change(p, layer, t)`` instead of p; this one stays as it is.

        Of a guided call the change is given the rows with the prompt, and no others. What it leaves as it is, is the
        same bit for bit. Changes of changes follow one another.
        """
        ...


def attention_of(model: Any, wanted_by: str) -> Attentive:
    """The model, if it shows its attention.

    Args:
        model: a backbone.
        wanted_by: who acts there, for the message.

    Raises:
        IncompatibleError: it does not.
    """
    if not (hasattr(model, "attention") and hasattr(model, "attending")):
        raise IncompatibleError(
            f"{wanted_by} acts on a UNet's attention, and {model.name} shows none: it has no attention.",
            hint="Stable Diffusion up to XL has it, and unconditional models; transformers mix prompt and picture.",
        )
    return cast(Attentive, model)


_WITHOUT_PROMPT: ContextVar[int] = ContextVar("rows without the prompt", default=0)


def rows_without_prompt() -> int:
    """How many rows of the call that is under way stand first and have not the picture's prompt, but guidance's."""
    return _WITHOUT_PROMPT.get()


@contextmanager
def guided_call(rows: int) -> Iterator[None]:
    """Calls of a backbone meanwhile have this many rows without the picture's prompt, and those stand first."""
    token = _WITHOUT_PROMPT.set(rows)
    try:
        yield
    finally:
        _WITHOUT_PROMPT.reset(token)
