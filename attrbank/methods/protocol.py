"""What an editing method must offer: how an attribute is learned, and how it edits; and what it tells of itself.

An edit acts in one of five ways. Most change the latent, once at T_x or a little at several times (``Edit``): by
adding vectors, as AVI does, or along a direction that the model's Jacobian shows, for which there is
``EditInputs.pull_back``. Others change what the model says over an interval (``ModelEdit``): its predictions, as Asyrp
does, or its weights, as a LoRA slider does. Some have the last word on a prediction, once the model has been guided
(``GuidanceEdit``), as semantic guidance has. Others change what the model hears over an interval (``PromptEdit``):
what its text encoders make of the prompt. The rest look at the unedited picture meanwhile (``paired.PairedEdit``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from attrbank.errors import InvalidValueError
from attrbank.methods.inputs import EditInputs
from attrbank.methods.needs import Needs
from attrbank.methods.paired import PairedEdit
from attrbank.methods.strengths import Strengths
from attrbank.names import When
from attrbank.schema.asked import LearnSpec
from attrbank.schema.choices import Core, Preset
from attrbank.schema.fields import Part
from attrbank.schema.stored import AttributeRecord

if TYPE_CHECKING:  # plans ask methods what they need, without torch
    from numpy.typing import NDArray
    from torch import Tensor

    from attrbank.diffusion.protocols import Backbone, Conditioning, Description
    from attrbank.diffusion.schedule import Schedule
    from attrbank.diffusion.spelling import Place
    from attrbank.diffusion.steering import Guide
    from attrbank.diffusion.trajectory import Trajectory

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage's name, what is done of it, and its total."""
OnWarning: TypeAlias = Callable[[str], None]
"""Called with what the user should know, a clause."""


def quiet(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


def silent(warning: str) -> None:
    """Warn nobody."""


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
        force: learn from what teaches next to nothing, with a warning.
        on_warning: to be told what the user should know.
        mask: where in the latent the attribute is to lie, (1, 1, H, W) of ones and zeros; None is everywhere.
    """

    spec: LearnSpec
    trajectory: Trajectory
    index_x: int
    index_z: int
    on_progress: OnProgress
    clean: tuple[Tensor, Tensor] | None = None
    force: bool = False
    on_warning: OnWarning = silent
    mask: Tensor | None = None


@dataclass(frozen=True)
class Learned:
    """What a method found out.

    Attributes:
        tensors: all that ``edit`` will need, by name.
        fields: fields of ``AttributeRecord`` that only the method knows: vectors, core, rank, units, paper, measured.
        explains: the share of what the prompts (or pictures) change, Σ‖dⁿ‖², that the edit in use explains on held-out
            seeds, at most 1 and below 0 where it does harm; None where the method cannot say.
    """

    tensors: Mapping[str, Tensor]
    fields: Mapping[str, Any] = field(default_factory=dict)
    explains: float | None = None


class Edit(Protocol):
    """An attribute ready to act on a latent, at each of its times: most have one, see ``Method.times``."""

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """The edited latent, (B, C, H, W); strength 0 gives x back bit for bit.

        Raises:
            InvalidValueError: the strength is outside what the method allows.
            NumericError: the result is not finite.
        """
        ...


@runtime_checkable
class LeadingEdit(Edit, Protocol):
    """An edit whose strength says where the picture is to go, and not how hard it is pushed.

    It looks each time how far it is, and keeps ``WANTED`` (``EditInputs.memory``).

    Attributes:
        leads: always true.
    """

    leads: bool


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


@runtime_checkable
class PromptEdit(Protocol):
    """An attribute ready to act through what the model hears of a prompt, on every step from T_x on.

    The engine finds the words of ``Needs.words``, or those that the user names instead, and hands over where they
    stand. What guidance compares with, the conditioning of the empty prompt, is never changed.
    """

    @property
    def until(self) -> float:
        """The time fraction at which it stops to act, 0 ≤ until < T_x; 0 is the clean end."""
        ...

    def heard(self, conditioning: Conditioning, places: Sequence[Place], strength: float) -> Conditioning:
        """The conditioning that the edited picture is drawn under meanwhile; the one given stays as it is.

        Args:
            conditioning: of one prompt, or of several pictures' that are the same.
            places: where the words stand, for each text encoder; none if it acts at no words, but on the whole prompt.
            strength: not 0, at which nobody asks.

        Raises:
            IncompatibleError: it is of other text encoders.
        """
        ...


@runtime_checkable
class GuidanceEdit(Protocol):
    """An attribute ready to act on what guidance has made of the model's predictions, on every step from T_x on.

    Of several, each is given what those that began before it have made.
    """

    @property
    def until(self) -> float:
        """The time fraction at which it stops to act, 0 ≤ until < T_x; 0 is the clean end."""
        ...

    def guide(self, strength: float) -> Guide:
        """What acts in one run, in which it may remember one step at the next.

        Args:
            strength: not 0, at which nobody asks.

        Raises:
            InvalidValueError: the strength is outside what the method allows.
        """
        ...


AnyEdit: TypeAlias = Edit | ModelEdit | PromptEdit | GuidanceEdit | PairedEdit

LASTING = (ModelEdit, PromptEdit, GuidanceEdit, PairedEdit)
"""The kinds of edit that act over an interval, and change no latent themselves."""


class Method:
    """How attributes are learned and applied.

    ``name``, ``learn`` and ``edit`` are a method's own. All else has a default, which is meant for methods whose edits
    ask nothing of the network and which have one way to learn. Who does not derive from this class gets the defaults
    all the same, see ``completed``.

    Attributes:
        name: as artifacts record it.
        options: what a user may give that not every method understands: ``pictures`` (``learn`` then makes use of
            ``LearnContext.clean``), and fields of ``LearnSpec`` and ``PaperOptions``. By default the branch, which
            ``predict_clean_pairs`` heeds. Others are refused by name.
    """

    name: str
    options: frozenset[str] = frozenset({"branch"})

    def learn(self, context: LearnContext) -> Learned | tuple[Learned, ...]:
        """Learn an attribute, or as many as ``LearnSpec.components`` asks for, which a method may know as an option.

        Raises:
            AttrbankError: what the user can mend.
        """
        raise NotImplementedError

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core | None = None) -> AnyEdit:
        """Make a stored attribute ready.

        Args:
            record: what the artifact says of itself.
            tensors: its tensors.
            core: overrides the record's own choice.

        Raises:
            CorruptArtifactError: a tensor is missing or of the wrong shape.
            InvalidValueError: this attribute has no such core.
        """
        raise NotImplementedError

    def needs(self, record: AttributeRecord, core: Core | None, strength: float) -> Needs:
        """What the edit will ask for, known from the record alone; ``core`` is the one in use."""
        return Needs()

    def times(self, record: AttributeRecord, core: Core | None) -> tuple[float, ...]:
        """ᾱ at the times at which the edit acts, the noisiest first; ``core`` is the one in use.

        By default once, at T_x. An edit that acts over an interval begins at the first.
        """
        return (record.resolved.alpha_bar_x,)

    def moved(self, record: AttributeRecord, core: Core | None, when: When, schedule: Schedule) -> AttributeRecord:
        """The record of the same attribute acting at another time; all else is then asked about this one.

        Args:
            record: what the artifact says.
            core: the one in use.
            when: a time; or an interval, for edits that act on the way.
            schedule: of the model, on whatever grid it is sampled.

        Raises:
            InvalidValueError: it can act at its own time only.
        """
        hint = f"Write {record.name} without @{when}."
        raise InvalidValueError(f"What the method {self.name!r} learns acts at its own time only.", hint)

    def parts(self, record: AttributeRecord, core: Core | None) -> tuple[Part, ...]:
        """What of a model an edit depends on beside the network that denoises; ``core`` is the one in use.

        By default the codec, for what was learned from pictures: it made their latents.
        """
        return ("codec",) if record.pictures else ()

    def direction(self, record: AttributeRecord, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any] | None:
        """What strength 1 changes, as far as that is banked, in one array: its cosines say which attributes are alike.

        Found without torch, and compared with those of the same method, shape and model. By default there is none.

        Args:
            record: what the artifact says of itself.
            arrays: its tensors.
        """
        return None

    def needs_its_network(self, record: AttributeRecord) -> bool:
        """Whether an edit fits the network that it was learned on alone, as what is added to its latents does.

        If not, it fits every model whose ``parts`` are the same.
        """
        return True

    def strengths(self, record: AttributeRecord) -> Strengths:
        """The strengths that an attribute can have."""
        return Strengths()

    def cores(self, record: AttributeRecord) -> tuple[Core, ...]:
        """The cores that ``edit`` can be asked for."""
        return ()

    def core_without_network(self, record: AttributeRecord) -> Core | None:
        """The core to take in pipelines of diffusers, which give ``rows`` alone: ``needs`` says what it takes."""
        return record.core

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Preset | None) -> dict[str, Any]:
        """Fields of ``LearnSpec``, not yet validated, for what a user gives.

        Args:
            given: options by name, all of which the method understands.
            pairs: how many pairs of prompts there are to learn from.
            pictures: how many pairs of pictures.
            preset: all settings as published.

        Raises:
            InvalidValueError: some of it excludes the rest, or there is no such preset.
        """
        if preset:
            raise InvalidValueError(f"The method {self.name!r} has no preset {preset!r}.", "Leave --preset out.")
        return {"t_x": 0.4, "delta_tau": -0.2, **given}

    def fitted(self, spec: LearnSpec, model: Description, preset: Preset) -> LearnSpec:
        """A preset's spec, with what only the model's description settles."""
        return spec

    def check(self, spec: LearnSpec, model: Description) -> None:
        """Refuse, before anything is sampled, what cannot be learned on this model.

        Raises:
            InvalidValueError: such as a rank that no latent of it has.
        """

    def warnings(self, spec: LearnSpec, model: Description) -> Sequence[str]:
        """What the user should know before it starts, a clause each."""
        return ()

    def require_tunable(self, asked: LearnSpec | AttributeRecord) -> None:
        """Does nothing if ``learn --tune`` can move the attribute in time and calibrate its cores.

        Raises:
            InvalidValueError: it cannot.
        """
        raise InvalidValueError(f"What the method {self.name!r} learns cannot be tuned.", hint="Leave --tune out.")
