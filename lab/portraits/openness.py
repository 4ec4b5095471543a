"""Which values a caption leaves open: what the text encoder is asked to tell, in training only."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from attrbank.backbones.portraits.parameters import GRADES, KINDS
from lab.portraits.phrases import BY_TEXT, Phrase

STEPS = 10
"""Into how many steps a grade is cut."""


def _grade(name: str) -> Tensor:
    low = -1.0 if name == "expression" else 0.0
    return torch.linspace(low, 1.0, STEPS)


_VALUES: dict[str, Tensor] = {
    **{name: _grade(name) for name in (*GRADES, "greyness")},
    **{name: torch.arange(len(kinds)).float() for name, kinds in KINDS.items()},
    "hair_named": torch.arange(len(KINDS["hair_colour"])).float(),
}
WIDTH = sum(len(values) for values in _VALUES.values())
"""How many values there are."""


def left_open(captions: Sequence[Iterable[Phrase]]) -> Tensor:
    """1 where a value agrees with everything that a caption says, else 0.

    Shapes:
        returned: (len(captions), ``WIDTH``).
    """
    return torch.stack([torch.stack([_ALL, *(_by(phrase.text) for phrase in said)]).amin(0) for said in captions])


_ALL = torch.ones(WIDTH)


@functools.cache
def _by(text: str) -> Tensor:
    """What a phrase of the grammar leaves open, (``WIDTH``,)."""
    open_ = {name: torch.ones(len(values)) for name, values in _VALUES.items()}
    for name, (low, high) in BY_TEXT[text].ranges.items():
        slack = 0.5 * float(_VALUES[name][1] - _VALUES[name][0]) if name in (*GRADES, "greyness") else 0.0
        open_[name] *= (_VALUES[name] >= low - slack) & (_VALUES[name] <= high + slack)
    return torch.cat(list(open_.values()))
