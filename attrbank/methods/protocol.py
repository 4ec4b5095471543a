"""What an editing method must offer: how an attribute is learned, and how it edits.

An edit acts in one of two ways. Most change the latent once, at T_x (``Edit``): by adding vectors, as AVI
does, or along a direction that the model's Jacobian shows, for which ``EditInputs.predict`` can be
differentiated. The others change what the model says over an interval (``ModelEdit``): its predictions,
as Asyrp does, or its weights, as a LoRA slider does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from attrbank.schema import AttributeRecord, Core, LearnSpec

if TYPE_CHECKING:  # plans read methods' names without torch
    from torch import Tensor

    from attrbank.diffusion.protocols import Backbone, Prediction
    from attrbank.diffusion.trajectory import Trajectory

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage's name, what is done of it, and its total."""


def quiet(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class LearnContext:
    """Where an attribute is learned.

    Attributes:
        spec: what was asked for, complete.
        trajectory: runs latents on the chosen backbone, sampler and grid.
        index_x: the grid index of T_x.
        index_z: the grid index of T_z.
        on_progress: to be told how far it is.
        clean: the clean latents (M, C, H, W) of source and target pictures, if the attribute is learned from pictures;
            None if it is learned from prompts.
    """

    spec: LearnSpec
    trajectory: Trajectory
    index_x: int
    index_z: int
    on_progress: OnProgress
    clean: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class Learned:
    """What a method found out.

    Attributes:
        tensors: all that ``edit`` will need, by name.
        fields: fields of ``AttributeRecord`` that only the method knows: core, rank, units, paper, measured.
    """

    tensors: Mapping[str, Tensor]
    fields: Mapping[str, Any] = field(default_factory=dict)


class EditInputs(Protocol):
    """What an edit may ask for about the picture it acts on. Asking costs what it must, and only once."""

    alpha_bar: float

    def clean(self) -> Tensor:
        """The clean latent (B, C, H, W) predicted at this step of the unedited picture."""
        ...

    def predict(self, x: Tensor) -> Prediction:
        """What the model says about any latent (B, C, H, W) at this step under the picture's prompt.

        Differentiable in x; every call costs an evaluation.
        """
        ...

    def latent(self, prompt: str, fraction: float) -> Tensor:
        """The latent (B, C, H, W) of ``prompt`` from this picture's own noise, at a time fraction."""
        ...

    def clean_latent(self, prompt: str, fraction: float) -> Tensor:
        """The clean latent (B, C, H, W) predicted there."""
        ...


class Edit(Protocol):
    """An attribute ready to act on a latent, once."""

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The edited latent, (B, C, H, W); strength 0 gives x back bit for bit.

        Raises:
            InvalidValueError: the strength is outside what the method allows.
            NumericError: the result is not finite.
        """
        ...


@runtime_checkable
class ModelEdit(Protocol):
    """An attribute ready to act through the model, on every step from T_x on.

    Attributes:
        until: the time fraction at which it stops to act, 0 ≤ until < T_x; 0 is the clean end.
    """

    until: float

    def through(self, backbone: Backbone, strength: float) -> Backbone:
        """The backbone that the edited picture sees meanwhile; at strength 0 it predicts the same bit for bit.

        The one given stays as it is, because the unedited picture still needs it: copy what you change. Its
        ε and x̂0 need not belong together: an asymmetric step changes one of them.

        Raises:
            InvalidValueError: the strength is outside what the method allows, or the backbone lacks a part.
        """
        ...


class Method(Protocol):
    """How attributes are learned and applied.

    Attributes:
        name: as artifacts record it.

    A method may also have ``learns_from_pictures``; if it is True, ``learn`` makes use of ``LearnContext.clean``.
    """

    name: str

    def learn(self, context: LearnContext) -> Learned:
        """Learn an attribute; raises what the user can mend as an ``AttrbankError``."""
        ...

    def edit(
        self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core | None = None
    ) -> Edit | ModelEdit:
        """Make a stored attribute ready.

        Args:
            record: what the artifact says of itself.
            tensors: its tensors.
            core: overrides the record's own choice.

        Raises:
            CorruptArtifactError: a tensor is missing or of the wrong shape.
            InvalidValueError: this attribute has no such core.
        """
        ...

    def evaluations(self, record: AttributeRecord, core: Core | None, steps_to_t_z: int) -> int:
        """Denoising steps that an edit takes beyond plain generation, for one picture."""
        ...
