"""Edits that look at what the model does for the unedited picture while they act, as prompt-to-prompt does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.diffusion.protocols import Backbone

Settle: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"
"""The edited latents (B, C, H, W) after a step, made of the unedited ones and the edited ones."""


class Pair(NamedTuple):
    """What both pictures run on while a paired edit acts.

    Attributes:
        unedited: what the unedited picture sees: it predicts as it would without, bit for bit.
        edited: what the edited one sees.
        settle: called after every step of both.
    """

    unedited: Backbone
    edited: Backbone
    settle: Settle


@runtime_checkable
class PairedEdit(Protocol):
    """An attribute ready to act through the model, with the unedited picture beside it.

    Both take every step from T_x to ``until`` in turn, the unedited picture first, in the same calls of the model: as
    many, and as many rows in each. It may be a ``PromptEdit`` as well.

    Attributes:
        until: the time fraction at which it stops to act, 0 ≤ until < T_x; 0 is the clean end.
    """

    until: float

    def beside(self, unedited: Backbone, edited: Backbone, strength: float) -> Pair:
        """What both run on meanwhile; called anew for every run, and whenever another edit begins or ends.

        The backbones that it is given stay as they are.

        Raises:
            IncompatibleError: they lack what it takes.
        """
        ...
