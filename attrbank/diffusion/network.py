"""The network that denoises, with another in its place: where sliders that change weights act (arXiv 2311.12092).

A backbone that has one may let it be rebuilt for a run, in a copy that shares its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from attrbank.errors import IncompatibleError

if TYPE_CHECKING:
    from torch import nn

    from attrbank.diffusion.protocols import Backbone

Adapt: TypeAlias = "Callable[[nn.Module], nn.Module]"
"""What becomes of a network. It is given one of its own, and may rebuild it as it likes; but the weights are those of
everybody: others are put in their place, and nothing is written into them."""


class Adaptable(Protocol):
    """A backbone whose network can be exchanged."""

    def adapting(self, change: Adapt) -> Backbone:
        """The same model, denoised by ``change(network)``; this one stays as it is.

        What else was changed of this one is changed there as well, and changes of changes follow one another.
        """
        ...


def network_of(model: Any, wanted_by: str) -> Adaptable:
    """The model, if its network can be exchanged.

    Args:
        model: a backbone.
        wanted_by: who acts there, for the message.

    Raises:
        IncompatibleError: it cannot.
    """
    if not hasattr(model, "adapting"):
        raise IncompatibleError(
            f"{wanted_by} changes the weights of a network, and {model.name} lets nobody do that: it has no adapting.",
            hint="Every family of models that attrbank brings has it; a plugin's backbone may not.",
        )
    return cast(Adaptable, model)
