"""What a judge must offer: the eyes of an evaluation; and what is made of it for all of them alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.numbers.distributions import diversity
from attrbank.schema.choices import Split


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a judge is made for.

    Attributes:
        backbone: whose pictures are judged.
        prompt: of the unedited pictures.
        split: whose seeds they are: what has looked at ``tune`` to choose something may not look at ``judge``.
        argument: what the user wrote behind the judge's name and a colon; None without.
        source: the backbone as the user named it, which its own judge is found by; None is the backbone's name.
    """

    backbone: Backbone
    prompt: str
    split: Split = "judge"
    argument: str | None = None
    source: str | None = None


class Judge:
    """Looks at pictures and says whether an attribute is there and what an edit did beside.

    ``name``, ``weights``, ``look`` and ``effect`` are a judge's own. All else has a default. Who does not derive from
    this class gets the defaults all the same, see ``completed``.

    What ``look`` gives is the judge's own; others only pick rows of it with ``view[rows]``, (B,) bool. A tensor that
    has a row a picture will do.

    Attributes:
        name: as reports state it.
        weights: what identifies its weights.
        goals: what it can see, and for each the prompt that asks for that and nothing else. An attribute must then be
            called after one of them, which is its ``Subject.goal``. Without any the judge goes by the target prompt.
    """

    name: str
    weights: str
    goals: Mapping[str, str] = MappingProxyType({})

    def look(self, images: Tensor) -> Any:
        """A view of images (B, 3, h, w) in [0, 1], so that each is looked at once."""
        raise NotImplementedError

    def effect(self, subject: Subject, view: Any) -> Tensor:
        """How surely the attribute is seen, (B,): above 0 where it is."""
        raise NotImplementedError

    def lacking(self, subject: Subject, view: Any) -> Tensor:
        """Which pictures an edit is to be judged on, because they lack the attribute, (B,) bool."""
        return self.effect(subject, view) <= 0

    def figures(self, subject: Subject, before: Any, after: Any) -> Mapping[str, Tensor]:
        """Further figures (B,), one a picture, by name.

        ``damage`` is 1 where a picture is none that could be, such as a face with half a pair of glasses;
        ``identity`` the change of everything that the attribute has no business with; ``perceptual`` the distance to
        the unedited picture; ``flips`` the share of other attributes that changed, if the judge can name more than
        those that are evaluated. Any others are reported as they are.
        """
        return {}

    def traits(self, subject: Subject, view: Any) -> Tensor | None:
        """Numbers (B, D) that it reads and that the attribute has no business with, such as the hair's colour.

        An edit that gives everybody the same hair has less spread in them; ``diversity`` says how much less.
        """
        return None

    def distances(self, subject: Subject, before: Any, after: Any) -> Mapping[str, float]:
        """Figures of all pictures together, such as ``fid`` and ``kid``; empty if there are too few."""
        return {}

    def limit(self, subject: Subject) -> Mapping[str, float]:
        """The figures of a perfect edit, under the names of ``figures``; empty if nobody knows."""
        return {}

    def excludes(self, one: Subject, other: Subject) -> bool:
        """Whether no picture can have both attributes, as young and old."""
        return False


def completed(judge: Any) -> Judge:
    """The judge, with the defaults of ``Judge`` for what it leaves out."""
    return judge if isinstance(judge, Judge) else _Completed(judge)


class _Completed(Judge):
    """A judge that does not derive from ours."""

    def __init__(self, own: Any) -> None:
        self.__dict__.update({name: getattr(own, name) for name in dir(own) if not name.startswith("_")})


@dataclass(frozen=True)
class Hearing:
    """A judge, and everything that is measured of some attributes with it.

    Attributes:
        judge: who looks.
        subjects: all that are measured; of each, the others may flip.
    """

    judge: Judge
    subjects: Sequence[Subject]

    def look(self, images: Tensor) -> Any:
        """The judge's view of images (B, 3, h, w) in [0, 1]."""
        return self.judge.look(images)

    def effect(self, subject: Subject, view: Any) -> Tensor:
        """How surely the attribute is seen, (B,)."""
        return self.judge.effect(subject, view)

    def lacking(self, subject: Subject, view: Any) -> Tensor:
        """Which pictures the edit is to be judged on, (B,) bool."""
        return self.judge.lacking(subject, view)

    def figures(self, subject: Subject, before: Any, after: Any) -> Mapping[str, Tensor]:
        """One figure (B,) a picture by name: success, effect, flips of the other subjects, and what the judge adds."""
        own, effect = self.judge.figures(subject, before, after), self.judge.effect(subject, after)
        flips = {} if "flips" in own else self._flips(subject, before, after)
        return {"success": effect > 0, "effect": effect, **flips, **own}

    def distances(self, subject: Subject, before: Any, after: Any) -> Mapping[str, float]:
        """Figures of all pictures together: the judge's own, and ``diversity`` where it reads traits."""
        one, other = self.judge.traits(subject, before), self.judge.traits(subject, after)
        spread = {} if one is None or other is None or len(other) < 2 else {"diversity": diversity(one, other)}
        return {**self.judge.distances(subject, before, after), **spread}

    def limit(self, subject: Subject) -> Mapping[str, float]:
        """The figures of a perfect edit; empty if nobody knows."""
        return self.judge.limit(subject)

    def excludes(self, one: Subject, other: Subject) -> bool:
        """Whether no picture can have both attributes."""
        return self.judge.excludes(one, other)

    def _flips(self, subject: Subject, before: Any, after: Any) -> Mapping[str, Tensor]:
        """The share of the other subjects whose decision changed."""
        others = [other for other in self.subjects if other.id != subject.id]
        changed = [(self.judge.effect(s, before) > 0) != (self.judge.effect(s, after) > 0) for s in others]
        return {"flips": torch.stack(changed).float().mean(0)} if changed else {}
