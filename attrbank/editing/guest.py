"""Attributes as guests: in a program that samples by itself, and lends its latents and no more of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias, cast

import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute, opened
from attrbank.diffusion.finite import finite
from attrbank.diffusion.schedule import Schedule
from attrbank.diffusion.spelling import require_word
from attrbank.editing.acting import Ready, ready
from attrbank.editing.request import ApplyRequest
from attrbank.editing.wording import words_for
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.methods.inputs import EditInputs
from attrbank.methods.needs import Needs
from attrbank.methods.protocol import AnyEdit, Edit, GuidanceEdit, ModelEdit
from attrbank.names import Asked, When
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Core
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

Ask: TypeAlias = Callable[[Tensor, Sequence[str]], Tensor]
"""``EditInputs.clean_under``, of the program's own model."""

NETWORK = "needs the network itself, for more than what it says under other prompts, and a callback cannot reach it"


@dataclass(frozen=True)
class Host:
    """The model of a program that attributes are guests of, as ``attribute.compatibility`` compares models."""

    name: str
    fingerprint: str
    former_fingerprint: str
    latent_shape: tuple[int, int, int]
    prediction_type: str
    family: str


@dataclass(frozen=True)
class Guest:
    """An attribute that does not know yet on which schedule it is to act.

    Attributes:
        core: that does without the network.
        when: the time that was asked for; None is its own.
        words: at which of the prompt's it acts; none for most.
        asks: whether it asks the model under prompts of its own.
    """

    entry: Entry
    learned: LearnedAttribute
    core: Core | None
    strength: float
    when: When | None
    words: tuple[str, ...]
    asks: bool
    raw = False

    @property
    def record(self) -> AttributeRecord:
        """What its artifact says."""
        return self.learned.record

    def on(self, schedule: Schedule) -> Ready:
        """Ready for the schedule of a program; refuses a time that it cannot have."""
        record = self.learned.record
        if self.when is not None:
            record = load_plugins().method_of(record).moved(record, self.core, self.when, schedule)
        return ready(replace(self.learned, record=record), self.strength, self.core, words=self.words)


def guest(bank: Bank, entry: Entry, asked: Asked, request: ApplyRequest) -> Guest:
    """An attribute of a bank, if it can act where the network cannot be had.

    Args:
        bank: that holds it.
        entry: which.
        asked: how strongly, and when.
        request: what it is a part of.

    Raises:
        NotFoundError: the method that it was learned with is not installed.
        InvalidValueError: it cannot have this strength, or acts at words of a prompt that the request does not give.
        CorruptArtifactError: its artifact is damaged.
        IncompatibleError: it needs more of the network.
    """
    learned, strength = opened(bank.artifact(entry)), cast(float, asked.strength)  # ``rho`` has filled it in
    record = learned.record
    method = load_plugins().method_of(record)
    core = method.core_without_network(record)
    needs = method.needs(record, core, strength)
    attribute = ready(learned, strength, core, words=words_for(request, needs.words))
    if attribute.words:
        _require_prompt(request.prompt, record.name)
        require_word(request.prompt or "", attribute.words, record.name)
    _refuse_demanding(record.name, attribute.edit, needs)
    return Guest(entry, learned, core, strength, asked.when, attribute.words, asks=needs.rows > 0)


@dataclass(frozen=True)
class Turn:
    """An attribute at one of its times.

    Attributes:
        index: of the step.
        attribute: that acts there.
        number: which of its times this is, the first being 0.
        memory: what it keeps from one of its times to the next, in this run.
    """

    index: int
    attribute: Ready
    number: int
    memory: dict[str, Tensor]


def turns_of(attributes: Sequence[Ready], index_of: Callable[[float], int]) -> list[Turn]:
    """Every attribute at each of its times; within a step in the order of ``apply``.

    Args:
        attributes: that act.
        index_of: the step of the program's grid that is nearest to a time, an ᾱ.
    """
    placed = [([index_of(time) for time in attribute.times], attribute) for attribute in attributes]
    placed.sort(key=lambda one: (one[0][0], -one[1].record.t_x))
    return [turn for indices, attribute in placed for turn in _of_one(attribute, indices)]


def _of_one(attribute: Ready, indices: Sequence[int]) -> list[Turn]:
    memory: dict[str, Tensor] = {}
    return [Turn(index, attribute, number, memory) for number, index in enumerate(indices)]


@torch.no_grad()
def edited(latents: Tensor, turns: Sequence[Turn], scale: float, alpha_bar: float, ask: Ask) -> Tensor:
    """Latents after the attributes' turn; in single precision on the CPU, where banks are read, and back.

    Args:
        latents: of the program, (B, C, H, W).
        turns: all at this step, in their order.
        scale: what makes the latents variance-preserving.
        alpha_bar: theirs.
        ask: the program's model.

    Raises:
        NumericError: latents hold NaN or infinity, before an edit or after it, or what the model says does.
    """
    before = finite((latents.float() * scale).cpu(), "What the pipeline has denoised so far")
    after = before
    for turn in turns:
        attribute, edit = turn.attribute, cast(Edit, turn.attribute.edit)  # those of the model were refused
        inputs = _Inputs(turn, alpha_bar, ask)
        after = edit(after, cast(EditInputs, inputs), attribute.strength)
    # The difference is added, so that strength 0 changes no bit in spite of the scaling.
    return finite(latents + ((after - before) / scale).to(latents), "The edited latent")


class _Inputs:
    """What an edit may ask for (``EditInputs``) there: what the program's model says under other prompts, no more."""

    def __init__(self, turn: Turn, alpha_bar: float, ask: Ask) -> None:
        self.alpha_bar, self.turn, self.memory = alpha_bar, turn.number, turn.memory
        self._name, self._ask = turn.attribute.record.name, ask

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return self._ask(x, prompts)

    def __getattr__(self, name: str) -> NoReturn:
        raise _out_of_reach(self._name)


def _why(needs: Needs) -> str:
    """What an attribute needs that no pipeline gives."""
    if needs.beside is not None:
        return "looks at the unedited picture at every step, and a pipeline draws none beside its own"
    if needs.prompt:
        return "changes the whole of what is heard of a prompt, of which a callback changes words alone"
    return NETWORK


def _refuse_demanding(name: str, edit: AnyEdit, needs: Needs) -> None:
    if isinstance(edit, (ModelEdit, GuidanceEdit)) or not replace(needs, rows=0).nothing:
        raise _out_of_reach(name, _why(needs))


def _out_of_reach(name: str, why: str = NETWORK) -> IncompatibleError:
    return IncompatibleError(f"{name} {why}.", hint="Use attrbank apply for it.")


def _require_prompt(prompt: str | None, name: str) -> None:
    if prompt is None:
        raise InvalidValueError(
            f"{name} acts at words of the prompt, which a pipeline does not hand on.",
            hint="Give it to the callback, too: AttributeCallback(..., prompt=...).",
        )
