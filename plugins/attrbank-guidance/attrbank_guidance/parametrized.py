"""What all of them share: an interval of the time at which they act, and parameters.

Nothing here imports torch.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel

from attrbank.plugin import OverInterval

P = TypeVar("P", bound=BaseModel)


class Parametrized(OverInterval, Generic[P]):
    """A method that acts over an interval.

    Args:
        parameters: what the user has set.
    """

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters
