"""Attributes as guests: in a program that samples by itself, and lends its latents and no more of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias, cast

import torch
from torch import Tensor

from attrbank.diffusion.finite import finite
from attrbank.editing.acting import Ready
from attrbank.errors import IncompatibleError
from attrbank.methods.needs import Needs
from attrbank.methods.protocol import AnyEdit, Edit, ModelEdit

Ask: TypeAlias = Callable[[Tensor, Sequence[str]], Tensor]
"""``EditInputs.clean_under``, of the program's own model."""

NETWORK = "needs the network itself, for more than what it says under other prompts, and a callback cannot reach it"


@dataclass(frozen=True)
class Turn:
    """An attribute at one of its times.

    Attributes:
        index: of the step.
        attribute: that acts there.
        number: which of its times this is, the first being 0.
    """

    index: int
    attribute: Ready
    number: int


def turns_of(attributes: Sequence[Ready], index_of: Callable[[float], int]) -> list[Turn]:
    """Every attribute at each of its times; within a step in the order of ``apply``.

    Args:
        attributes: that act.
        index_of: the step of the program's grid that is nearest to a time, an ᾱ.
    """
    placed = [([index_of(time) for time in attribute.times], attribute) for attribute in attributes]
    placed.sort(key=lambda one: (one[0][0], -one[1].record.t_x))
    return [Turn(index, attribute, number) for indices, attribute in placed for number, index in enumerate(indices)]


def refuse_demanding(name: str, edit: AnyEdit, needs: Needs) -> None:
    """Do nothing if an edit asks for no more of the network than what it says under other prompts, ``Needs.rows``.

    Raises:
        IncompatibleError: it does.
    """
    if isinstance(edit, ModelEdit) or not replace(needs, rows=0).nothing:
        raise out_of_reach(name, _why(needs))


def out_of_reach(name: str, why: str = NETWORK) -> IncompatibleError:
    """What an attribute is refused with that needs more than a guest can have."""
    return IncompatibleError(f"{name} {why}.", hint="Use attrbank apply for it.")


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
        inputs = _Inputs(attribute.record.name, alpha_bar, turn.number, ask)
        after = edit(after, inputs, attribute.strength)
    # The difference is added, so that strength 0 changes no bit in spite of the scaling.
    return finite(latents + ((after - before) / scale).to(latents), "The edited latent")


class _Inputs:
    """What an edit may ask for (``EditInputs``) there: what the program's model says under other prompts."""

    def __init__(self, name: str, alpha_bar: float, turn: int, ask: Ask) -> None:
        self.alpha_bar, self.turn = alpha_bar, turn
        self._name, self._ask = name, ask

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return self._ask(x, prompts)

    def clean(self) -> NoReturn:
        raise out_of_reach(self._name)

    def predict(self, x: Tensor) -> NoReturn:
        raise out_of_reach(self._name)

    def pull_back(self, x: Tensor, cotangent: Tensor) -> NoReturn:
        raise out_of_reach(self._name)

    def push_forward(self, x: Tensor, tangent: Tensor) -> NoReturn:
        raise out_of_reach(self._name)

    def latent(self, prompt: str, fraction: float | None) -> NoReturn:
        raise out_of_reach(self._name)

    def clean_latent(self, prompt: str, fraction: float) -> NoReturn:
        raise out_of_reach(self._name)


def _why(needs: Needs) -> str:
    """What an attribute needs that no pipeline gives."""
    if needs.beside is not None:
        return "looks at the unedited picture at every step, and a pipeline draws none beside its own"
    if needs.prompt:
        return "changes the whole of what is heard of a prompt, of which a callback changes words alone"
    return NETWORK
