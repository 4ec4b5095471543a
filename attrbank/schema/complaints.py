"""What pydantic says of a wrong field, as sentences of ours."""

from __future__ import annotations

import re

from pydantic import ValidationError

from attrbank.errors import InvalidValueError
from attrbank.text import printable

ALLOWED = {
    "t_x": "Times are fractions of the whole: above 0 and up to 1, such as 0.4.",
    "delta_tau": "T_z = T_x + Δτ lies between 0 and T_x, so Δτ is usually about -0.2.",
    "branch": "Times are fractions of the whole: from T_x to 1.",
    "seeds": "Seeds are whole numbers from 0 to 2^63 - 1, such as 0-63.",
    "steps": "Between 1 and 1000 steps; 25 to 50 are usual.",
    "guidance_scale": "Between 0 and 100; 1 is no guidance.",
    "rank": "Between 1 and the latent's smaller side; 4 is usual.",
    "k": "From 1 to one less than the latent's smaller side; leave it out for half.",
}
"""By field, what a user may give."""

_SHOULD = re.compile(r"^\w+ should")


def invalid_value(error: ValidationError, hint: str) -> InvalidValueError:
    """The first complaint as one sentence, and what would be right; ``hint`` where the field does not tell."""
    first = error.errors(include_url=False)[0]
    complaint = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return InvalidValueError(f"{complaint[0].upper()}{complaint[1:]}.", hint)
    field, given = str(first["loc"][0]), first["input"]
    value = f", not {given}" if isinstance(given, int | float) else ""
    return InvalidValueError(f"{field} {_SHOULD.sub('must', complaint)}{value}.", ALLOWED.get(field, hint))


def place_and_reason(error: ValidationError) -> tuple[str, str]:
    """Where in a file the first wrong field is, and what is wrong there: what the file holds fills no screen."""
    first = error.errors(include_url=False, include_input=False)[0]
    return printable(".".join(map(str, first["loc"])))[:80], printable(first["msg"])[:300]
