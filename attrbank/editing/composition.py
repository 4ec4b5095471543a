"""Run pictures with edits on the way: before and after share all steps up to the first edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from attrbank.diffusion.features import FeatureMap
from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Backbone, Conditioning, Prediction
from attrbank.diffusion.schedule import nearest_index
from attrbank.diffusion.spelling import places_of, token_spans_of
from attrbank.diffusion.steering import Guide
from attrbank.diffusion.towards import predict_towards
from attrbank.diffusion.trajectory import Trajectory, clean_under
from attrbank.editing.contradiction import apart_from, without
from attrbank.methods.inputs import WANTED, Beside
from attrbank.methods.paired import PairedEdit, Settle
from attrbank.methods.protocol import LASTING, AnyEdit, Edit, GuidanceEdit, ModelEdit, PromptEdit
from attrbank.schema.asked import PromptPair

OnStep: TypeAlias = Callable[[Position], None]
"""Called with every position reached."""

EDIT = "the edit"
"""What messages call one whose attribute is not known here."""


@dataclass(frozen=True, eq=False)
class Act:
    """One edit at one step of the grid, at several, or from there on.

    Attributes:
        index: of the first step.
        edit: what acts.
        strength: as the edit takes it, each time.
        later: the steps at which it acts again, in order; a coarse grid may have one of them twice.
        opposed: what a prompt may say against it: once it has acted, the edited picture goes on without that.
        words: at which of the prompt's it acts, if it changes how that is heard.
    """

    index: int
    edit: AnyEdit
    strength: float
    later: tuple[int, ...] = ()
    opposed: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def at_once(self) -> Edit | None:
        """The edit, if all that it does is one change of one latent."""
        return None if self.later or isinstance(self.edit, LASTING) else self.edit


class Edited(NamedTuple):
    """The clean latents (B, C, H, W) without and with the edits; ``before`` is None if nobody wanted it."""

    before: Tensor | None
    after: Tensor


class LazyInputs:
    """What edits at one step may ask for (``EditInputs``), computed when it is asked for and then remembered.

    Args:
        trajectory: to run on.
        before: the unedited picture, at ``index`` or not yet there.
        index: where the edit acts.
        prompt: the pictures' own.
        noise: gives the noise that the pictures began with.
        on_step: called after every step of the unedited picture.

    Attributes:
        turn: of the edit that is about to act.
        memory: its own.
        others: what the others want of the clean latents, or have added to them; None where one of them does not tell.
        arrived: the edited picture's latent as the last step has left it, before anything acts here.
    """

    turn: int = 0
    memory: dict[str, Tensor]
    others: Sequence[Tensor] | None = ()
    arrived: Tensor

    def __init__(
        self,
        trajectory: Trajectory,
        before: Position,
        index: int,
        prompt: str,
        noise: Callable[[], Position],
        on_step: OnStep,
    ) -> None:
        self.alpha_bar = trajectory.alpha_bar(index)
        self._trajectory, self._position, self._index = trajectory, before, index
        self._prompt, self._source = prompt, trajectory.conditioning(prompt)
        self._noise, self._on_step, self.memory = noise, on_step, {}
        self._prediction: Prediction | None = None
        self._edited: Position | None = None
        self._elsewhere: dict[tuple[str, int], tuple[Position, Conditioning]] = {}

    def unedited(self) -> Position:
        """The unedited picture at this step."""
        self._position = self._trajectory.run(self._position, self._source, self._index, self._on_step)
        return self._position

    def onward(self) -> Position:
        """The unedited picture as far as it has come: one step beyond if its prediction is known anyway."""
        if self._prediction is None:
            return self._position
        position = self._trajectory.step(self._position, self._prediction)
        self._on_step(position)
        return position

    def next(self, turn: int, edited: Position | None) -> None:
        """Whose turn is next; if something has acted, it looks at this picture, and no longer at the unedited one."""
        self.turn, self._edited = turn, edited

    def clean(self) -> Tensor:
        """x̂0 at this step of the picture as it is now, (B, C, H, W), whatever changes the model meanwhile."""
        if self._edited is not None:
            return self._trajectory.predict(self._edited, self._source).x0
        return self.beside().said.x0

    def beside(self) -> Beside:
        """The unedited picture here, and what the model says about it, (B, C, H, W) each."""
        position = self.unedited()
        if self._prediction is None:
            self._prediction = self._trajectory.predict(position, self._source)
        return Beside(position.latent, self._prediction)

    def gone(self) -> Tensor:
        """By how much the edited picture's clean latent has moved, (B, C, H, W), without what others want of it.

        Where it cannot be told whose doing that is, it has moved as this edit wished.
        """
        before, after = self.unedited(), self._edited
        if after is None:
            return torch.zeros_like(before.latent)
        if self.others is None:
            return self.memory.get(WANTED, torch.zeros_like(before.latent))
        gone = after.latent - self.arrived  # at this step, which no prediction shows yet
        gone = gone / self.alpha_bar**0.5 if self.alpha_bar > 0 else torch.zeros_like(gone)
        if after.clean is not None and before.clean is not None:
            gone = gone + (after.clean - before.clean)
        return torch.stack([gone, *(-other for other in self.others)]).sum(0)

    def towards(self, x: Tensor, pair: PromptPair) -> Prediction:
        """What the model says about x (B, C, H, W) under the pictures' prompt with a pair's change added."""
        position = replace(self._position, latent=x, index=self._index, state=None, is_known_finite=False)
        return predict_towards(self._trajectory, position, self._prompt, pair.source, pair.target)

    def predict(self, x: Tensor) -> Prediction:
        """What the model says about x (B, C, H, W) at this step, differentiable in it."""
        return self._trajectory.predict(self.unedited().edited(x), self._source)

    def pull_back(self, x: Tensor, cotangent: Tensor) -> Tensor:
        """Jᵀu (B, C, H, W) of x̂0 at x (B, C, H, W) and this step."""
        return self._trajectory.pull_back(self.unedited().edited(x), self._source, cotangent)

    def push_forward(self, x: Tensor, tangent: Tensor) -> Tensor:
        """Jv (B, C, H, W) of x̂0 at x (B, C, H, W) and this step."""
        return self._trajectory.push_forward(self.unedited().edited(x), self._source, tangent)

    def features(self, prompt: str) -> FeatureMap:
        """What the UNet makes at its bottleneck at this step under a prompt."""
        return FeatureMap(self._trajectory, self._index, self._trajectory.conditioning(prompt))

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        """x̂0 of x (B, C, H, W) at this step under other prompts, (P, B, C, H, W)."""
        return clean_under(self._trajectory, replace(self._position, latent=x, index=self._index, state=None), prompts)

    def latent(self, prompt: str, fraction: float | None) -> Tensor:
        """The latent of a prompt from the same noise at a time fraction, or at this step, (B, C, H, W)."""
        return self._run(prompt, fraction)[0].latent

    def clean_latent(self, prompt: str, fraction: float) -> Tensor:
        """x̂0 predicted there, (B, C, H, W)."""
        return self._trajectory.predict(*self._run(prompt, fraction)).x0

    def _run(self, prompt: str, fraction: float | None) -> tuple[Position, Conditioning]:
        trajectory, until = self._trajectory, self._index
        if fraction is not None:
            until = nearest_index(trajectory.grid, trajectory.backbone.schedule, max(0.0, fraction))
        key = (prompt, until)
        if key not in self._elsewhere:
            conditioning = trajectory.conditioning(prompt)
            self._elsewhere[key] = (trajectory.run(self._noise(), conditioning, until), conditioning)
        return self._elsewhere[key]


def run_edits(
    trajectory: Trajectory,
    prompt: str,
    seeds: Sequence[int],
    acts: Sequence[Act],
    *,
    with_before: bool = True,
    start: Position | None = None,
    noise: Callable[[], Position] | None = None,
    on_step: OnStep = lambda position: None,
) -> Edited:
    """Generate one picture a seed under ``prompt``, and once more with the edits.

    Args:
        trajectory: on the backbone, sampler and grid to use.
        prompt: of all pictures.
        seeds: one a picture.
        acts: each at its grid index; those at one index act in the order given.
        with_before: finish the unedited pictures as well.
        start: the unedited pictures, already some of the way to the first edit.
        noise: gives the noise that they began with, if it is not that of their seeds; edits may run it elsewhere.
        on_step: called after every step of either.

    Raises:
        NumericError: a latent is no longer finite.
        InvalidValueError: an edit refuses its strength, or acts at words that the prompt does not have.
        IncompatibleError: an edit acts at words, and the backbone has no ``token_spans``.
    """
    source = trajectory.conditioning(prompt)
    before = start or trajectory.start(seeds)
    begun = cache(noise or partial(trajectory.start, seeds))
    after: Position | None = None
    acts = [act for act in acts if act.strength or not isinstance(act.edit, LASTING)]
    words = [word for act in acts for word in act.words]
    model, acted, memories = _Model(trajectory, prompt, source), False, _Memories(acts)
    for index, group in groupby(_moments(trajectory, acts), key=lambda moment: moment.at):
        if after is not None:
            before, after = model.run(before, after, index, on_step)
        inputs = LazyInputs(trajectory, before, index, prompt, begun, on_step)
        after = inputs.unedited() if after is None else after
        inputs.arrived = after.latent
        for _, act, turn in group:
            inputs.next(turn, after if acted else None)
            acted |= act.strength != 0
            if isinstance(act.edit, LASTING):
                model.turn(act)
                memories.note(act)
                after = after.branched()
            else:
                inputs.memory, inputs.others = memories.of(act), memories.of_others(act)
                latent = act.edit(after.latent, inputs, act.strength)
                memories.note(act, latent - after.latent, trajectory.alpha_bar(index))
                # An edit that changed nothing, as at strength 0, is none: the sampler keeps its memory.
                after = after if torch.equal(latent, after.latent) else after.edited(latent)
            if turn == len(act.later):
                model.leave_out(apart_from(act.opposed, words))
        before = inputs.unedited() if model.is_paired else inputs.onward()
    before, after = model.run(before, after or before, trajectory.end, on_step)
    return Edited(trajectory.run(before, source, on_step=on_step).latent if with_before else None, after.latent)


class _Model:
    """What the edited pictures run on: the backbone, and what it hears, as the edits in force have them."""

    def __init__(self, trajectory: Trajectory, prompt: str, source: Conditioning) -> None:
        self._plain, self._prompt, self._source = trajectory, prompt, source
        self._trajectory, self._conditioning = trajectory, source
        self._beside, self._settle = trajectory, list[Settle]()
        self._in_force: list[Act] = []
        self._guides: dict[Act, Guide] = {}

    @property
    def is_paired(self) -> bool:
        """Whether the unedited picture has to take the same steps meanwhile."""
        return bool(self._settle)

    def turn(self, act: Act) -> None:
        """Begin with an edit, or end the one that is in force."""
        if act in self._in_force:
            self._in_force.remove(act)
            self._guides.pop(act, None)
        else:
            self._in_force.append(act)
            if isinstance(act.edit, GuidanceEdit):
                self._guides[act] = act.edit.guide(act.strength)  # once, for it remembers
        unedited = edited = self._plain.backbone
        self._settle = []
        for other in self._in_force:
            if isinstance(other.edit, ModelEdit):
                edited = other.edit.through(edited, other.strength)
            if isinstance(other.edit, PairedEdit):
                unedited, edited, settle = other.edit.beside(unedited, edited, other.strength)
                self._settle.append(settle)
        self._beside = self._on(unedited)
        answering = self._on(self._without_pairs() if self._settle and self._guides else edited)
        self._trajectory = self._on(edited).steered(tuple(self._guides.values()), answering)
        self._conditioning = self._heard()

    def _without_pairs(self) -> Backbone:
        """What guides ask: a paired edit changes how the pictures' own prompts are heard, and those alone."""
        model = self._plain.backbone
        for act in self._in_force:
            if isinstance(act.edit, ModelEdit):
                model = act.edit.through(model, act.strength)
        return model

    def _on(self, backbone: Backbone) -> Trajectory:
        """The run on a backbone; on the plain one it may remember what that has said."""
        return self._plain if backbone is self._plain.backbone else self._plain.through(backbone)

    def leave_out(self, phrases: Sequence[str]) -> None:
        """Go on under the prompt without these phrases; what acted has made the sampler forget the longer one."""
        shorter = without(self._prompt, phrases)
        if shorter != self._prompt:
            self._prompt = shorter
            self._conditioning = self._heard()

    def _heard(self) -> Conditioning:
        """What the prompt becomes by the edits in force."""
        conditioning, model, prompt = self._trajectory.conditioning(self._prompt), self._plain.backbone, self._prompt
        for act in self._in_force:
            if isinstance(act.edit, PromptEdit):
                spans = token_spans_of(model, prompt, EDIT) if act.words else ()
                places = places_of(spans, prompt, act.words, EDIT) if act.words else ()
                conditioning = act.edit.heard(conditioning, places, act.strength)
        return conditioning

    def run(self, before: Position, after: Position, until: int, on_step: OnStep) -> tuple[Position, Position]:
        """The edited pictures' steps to an index, and those of the unedited ones too if they have to come along."""
        if not self.is_paired:
            return before, self._trajectory.run(after, self._conditioning, until, on_step)
        for index in range(after.index, until):
            before = self._beside.run(before, self._source, index + 1, on_step)
            after = self._trajectory.run(after, self._conditioning, index + 1, on_step)
            for settle in self._settle:
                latent = settle(before.latent, after.latent)
                after = after if torch.equal(latent, after.latent) else after.edited(latent)
        return before, after


class _Memories:
    """What edits of latents keep in one run, and what each wants of the clean latents."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self._kept: dict[Act, dict[str, Tensor]] = {act: {} for act in acts}
        self._added: dict[Act, Tensor | None] = {}

    def of(self, act: Act) -> dict[str, Tensor]:
        """What an edit keeps."""
        return self._kept[act]

    def of_others(self, act: Act) -> tuple[Tensor, ...] | None:
        """What the others want that have acted: what they say, or what they have added; None where one does not tell.

        What is added little by little is more than what comes of it, and what lasts adds nothing that could be seen.
        """
        wanted = [self._kept[other].get(WANTED, added) for other, added in self._added.items() if other is not act]
        told = tuple(wish for wish in wanted if wish is not None)
        return told if len(told) == len(wanted) else None

    def note(self, act: Act, added: Tensor | None = None, alpha_bar: float = 0.0) -> None:
        """An edit has acted, and has added this to the latents, (B, C, H, W).

        If that is all, it is so much more to the clean ones that they will become; there are none in noise alone.
        """
        if act.strength:
            tells = act.at_once is not None and alpha_bar > 0
            self._added[act] = added / alpha_bar**0.5 if added is not None and tells else None


class _Moment(NamedTuple):
    """When an act begins, acts for the ``turn``-th time, or ends."""

    at: int
    act: Act
    turn: int


def _moments(trajectory: Trajectory, acts: Sequence[Act]) -> list[_Moment]:
    """Every act at each of its turns, and those on the model again where they end."""
    schedule = trajectory.backbone.schedule
    ends = [
        _Moment(max(act.index, nearest_index(trajectory.grid, schedule, act.edit.until)), act, 1)
        for act in acts
        if isinstance(act.edit, LASTING)
    ]
    turns = (_Moment(index, act, turn) for act in acts for turn, index in enumerate((act.index, *act.later)))
    return sorted([*turns, *ends], key=lambda moment: moment.at)
