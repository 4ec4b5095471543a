"""Between which strengths an attribute acts."""

from __future__ import annotations

import math
from typing import NamedTuple

from attrbank.errors import InvalidValueError


class Strengths(NamedTuple):
    """The strengths that an attribute can have, low ≤ s ≤ high.

    Attributes:
        of: whose limits they are, as in "the paper's vectors".
        hint: what to do for others.
    """

    low: float = -math.inf
    high: float = math.inf
    of: str = "a method"
    hint: str | None = None

    def check(self, name: str, strength: float) -> None:
        """Refuse what the attribute of this name cannot have.

        Raises:
            InvalidValueError: the strength lies outside.
        """
        if not self.low <= strength <= self.high:
            raise InvalidValueError(
                f"{name} has {self.of}, whose strength lies in [{self.low:g}, {self.high:g}], not {strength:g}.",
                hint=self.hint,
            )
