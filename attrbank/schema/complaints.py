"""What pydantic says of a wrong field, as sentences of ours."""

from __future__ import annotations

import re

from pydantic import ValidationError

from attrbank.errors import InvalidValueError
from attrbank.schema.choices import ALLOWED
from attrbank.text import printable

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
