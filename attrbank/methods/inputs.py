"""What an edit of a latent may ask for about the picture that it acts on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from attrbank.schema.asked import PromptPair

if TYPE_CHECKING:  # plans import methods without torch
    from torch import Tensor

    from attrbank.diffusion.bottleneck import Features
    from attrbank.diffusion.protocols import Prediction

WANTED = "wanted"


class Beside(NamedTuple):
    """The unedited picture at the step where an edit acts.

    Attributes:
        latent: (B, C, H, W).
        said: what the model says about it, (B, C, H, W) each.
    """

    latent: Tensor
    said: Prediction


class EditInputs(Protocol):
    """What an edit may ask for about the picture it acts on. Asking costs what it must, and only once.

    Attributes:
        alpha_bar: of the latent, at this step.
        turn: which of the edit's times this is, the first being 0; on a coarse grid two of them may share a step.
        memory: what the edit keeps from one of its times to the next, in this run; empty at the first. An edit that
            leads somewhere, and looks every time how far it is, keeps under ``WANTED`` what it wants of the clean
            latents, (B, C, H, W): others then do not take it for theirs.
    """

    alpha_bar: float
    turn: int
    memory: dict[str, Tensor]

    def clean(self) -> Tensor:
        """The clean latent (B, C, H, W) predicted at this step of the picture as edits have left it so far.

        Of the unedited picture that costs next to nothing; where another edit, or an earlier turn of this one, has
        acted already, it costs an evaluation.
        """
        ...

    def predict(self, x: Tensor) -> Prediction:
        """What the model says about any latent (B, C, H, W) at this step under the picture's prompt.

        Differentiable in x, backwards and forwards; every call costs an evaluation, and what is differentiated is not
        counted beyond that: products with the Jacobian are for ``pull_back`` and ``push_forward``.
        """
        ...

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        """Jᵀu (B, C, H, W), where J is the Jacobian of ``predict(x).x0`` in x, and u the cotangent.

        Of all changes of the latent, the one that makes most of a change u of x̂0; it costs three evaluations.
        """
        ...

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        """Jv (B, C, H, W), what a small change v of x makes of x̂0; it costs two evaluations."""
        ...

    def features(self, prompt: str) -> Features:
        """What the UNet makes at its bottleneck of latents at this step under a prompt, to first order.

        A ``pull_back`` of it counts as three rows of the network for every picture, a ``push_forward`` as two.

        Raises:
            IncompatibleError: the backbone has no bottleneck.
        """
        ...

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        """The clean latents (P, B, C, H, W) of any latent (B, C, H, W) at this step under each of P other prompts.

        Without classifier-free guidance: every prompt costs one row of the network for every picture.
        """
        ...

    def beside(self) -> Beside:
        """The unedited picture at this step; it costs next to nothing."""
        ...

    def gone(self) -> Tensor:
        """How far the picture has gone from the unedited one by the wishes of this edit, (B, C, H, W).

        In clean latents, as the last step predicted both, and with what has been added at this one; less what other
        edits want, or have added. Where another acts that tells neither, because it lasts or adds a little at several
        times, all that this one wanted counts as gone. Zero where nothing has acted. It costs nothing.
        """
        ...

    def towards(self, x: Tensor, pair: PromptPair) -> Prediction:
        """What the model says about x (B, C, H, W) under the picture's prompt with the change of a pair added.

        Guided, as the picture is. It costs an evaluation, and two rows more unless the prompt is the pair's source.
        """
        ...

    def latent(self, prompt: str, fraction: float | None) -> Tensor:
        """The latent (B, C, H, W) of ``prompt`` from this picture's own noise, at a time fraction.

        None is this very step, which is nearest in ᾱ to the edit's time: a fraction of it may mean another.
        """
        ...

    def clean_latent(self, prompt: str, fraction: float) -> Tensor:
        """The clean latent (B, C, H, W) predicted there."""
        ...
