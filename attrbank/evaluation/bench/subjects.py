"""What is measured: an attribute, the prompt that asks for the same, and what its name promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.errors import InvalidValueError
from attrbank.evaluation.judges.readings import GOALS, PROMPTS
from attrbank.schema.asked import LearnSpec
from attrbank.schema.stored import AttributeRecord

RENDERED = "portraits"
"""The backbone whose truth the oracles know."""


@dataclass(frozen=True)
class Subject:
    """An attribute under measurement.

    Attributes:
        label: how tables call it.
        id: the artifact's.
        size_bytes: the artifact's.
        learned: the attribute.
        target: the prompt that asks for it on the bench.
        goal: which of the judge's goals it promises; None where the judge has none.
    """

    label: str
    id: str
    size_bytes: int
    learned: LearnedAttribute
    target: str
    goal: str | None = None


def target_prompt(
    record: AttributeRecord | LearnSpec, prompt: str, goal: str | None, plain: Mapping[str, str] = PROMPTS
) -> str:
    """The prompt that asks for the attribute in a picture of ``prompt``.

    That is the target of the pair with this source; else the goal's plain prompt; else the first pair's target.

    Args:
        record: the attribute, or what is asked of it.
        prompt: of the pictures.
        goal: what it promises, if that is known.
        plain: for each goal the prompt that asks for that and nothing else.

    Raises:
        InvalidValueError: it was learned from pictures, and there is no goal.
    """
    for pair in record.pairs:
        if pair.source == prompt:
            return pair.target
    if goal is not None:
        return plain[goal]
    if not record.pairs:
        raise InvalidValueError(
            f"{record.name} was learned from pictures, so it does not say which prompt asks for the same.",
            hint="Say so with --target.",
        )
    return record.pairs[0].target


def goal_of(name: str, asked: str | None = None, goals: Iterable[str] = GOALS) -> str:
    """What an attribute of this name promises: the goal that it is called after, as ``old`` or ``old-rank2``.

    Args:
        name: the attribute's.
        asked: a goal that the user names instead.
        goals: what the judge can see.

    Raises:
        InvalidValueError: the judge cannot see it.
    """
    found = _called_after(asked or name, goals)
    if found is None:
        raise InvalidValueError(
            f"The judge cannot tell whether {asked or name!r} has come.",
            hint=f"Say what it promises with --goal: {', '.join(goals)}.",
        )
    return found


def _called_after(name: str, goals: Iterable[str]) -> str | None:
    return next((goal for goal in goals if name == goal or name.startswith((f"{goal}-", f"{goal}_"))), None)
