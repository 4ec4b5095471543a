"""Who judges: by the name that the user gives, or the backbone's own judge."""

from __future__ import annotations

from typing import NamedTuple

from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.evaluation.judges.judge import Case, Judge, completed
from attrbank.plugins.hookspecs import TAKES_ARGUMENT
from attrbank.plugins.manager import load_plugins
from attrbank.text import printable

ORACLE = "oracle"


class Choice(NamedTuple):
    """A judge that there is, not yet made.

    Attributes:
        name: the registered one.
        argument: what stands behind its name and a colon.
    """

    name: str
    argument: str | None = None

    def made(self, case: Case) -> Judge:
        """The judge itself, complete; raises as its plugin does."""
        return completed(load_plugins().judge(self.name, case))


def chosen(asked: str | None, source: str) -> Choice:
    """What ``--judge`` means, before anything is loaded.

    Args:
        asked: a name, or a name and an argument as in ``clip:DIR``; None is the backbone's own judge.
        source: the backbone, as the user names it.

    Raises:
        NotFoundError: there is no such judge.
        InvalidValueError: the backbone has none of its own, or an argument is missing or too many.
    """
    name, colon, argument = (asked or ORACLE).partition(":")
    if name == ORACLE and not load_plugins().has_judge(source):
        raise InvalidValueError(
            f"No judge of its own reads the pictures of {printable(source)}.",
            hint="Name one with --judge: self, or clip:DIR with weights of CLIP; see attrbank judges.",
        )
    specs = {spec.name: spec for spec, _ in load_plugins().registrations("judge")}
    if name not in specs:
        raise NotFoundError(f"There is no judge {printable(name)!r}.", hint=f"Known: {', '.join(specs)}.")
    takes = TAKES_ARGUMENT in specs[name].capabilities
    if takes != bool(argument):
        right = f"--judge {name}:…" if takes else f"--judge {name}"
        raise InvalidValueError(f"The judge {name!r} takes {'an' if takes else 'no'} argument.", hint=f"Say {right}.")
    return Choice(name, argument if colon else None)


def oracle(case: Case) -> Judge:
    """The judge that the backbone's plugin brings for it."""
    return completed(load_plugins().judge_of(case.source or case.backbone.name, case))
