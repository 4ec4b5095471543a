"""What a user may set of a plugin's object: ``dpm:eta=0.5,order=2``, checked by the plugin's own pydantic model.

The text with all values, those that were not given included, is the name under which recipes and artifacts know the
object, so that another default in a later version changes no picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.errors import InvalidValueError, PluginError
from attrbank.text import printable

if TYPE_CHECKING:
    from pydantic import BaseModel


def split(text: str) -> tuple[str, dict[str, str]]:
    """``NAME:KEY=VALUE,KEY=VALUE`` as a name and values; a name alone has none.

    Raises:
        InvalidValueError: it is written otherwise.
    """
    name, colon, rest = text.partition(":")
    given: dict[str, str] = {}
    for pair in rest.split(",") if colon else ():
        key, sign, value = (part.strip() for part in pair.partition("="))
        if not key or not sign or not value or key in given:
            raise InvalidValueError(
                f"{printable(text)[:80]!r} is not a name with parameters.", hint=f"Write {printable(name)}:KEY=VALUE."
            )
        given[key] = value
    return name, given


def checked(model: type[BaseModel], given: Mapping[str, str], what: str) -> BaseModel:
    """The parameters with the plugin's defaults where none are given.

    Args:
        model: the plugin's; all its fields have defaults.
        given: values as the user wrote them.
        what: whose they are, for messages.

    Raises:
        InvalidValueError: there is no such parameter, or it cannot have this value.
    """
    from pydantic import ValidationError

    known = f"Its parameters are {listed(model)}." if model.model_fields else "It has none."
    for key in given:
        if key not in model.model_fields:
            raise InvalidValueError(f"The {what} has no parameter {printable(key)!r}.", hint=known)
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidValueError(f"The {what}: {place}: {printable(first['msg'])}.", hint=known) from error


def text_of(name: str, parameters: BaseModel) -> str:
    """The name with all parameters, as ``split`` reads it.

    Raises:
        PluginError: a value is no number, word or truth.
    """
    values = parameters.model_dump(mode="json")
    return f"{name}:{','.join(f'{key}={_written(value)}' for key, value in values.items())}" if values else name


def listed(model: type[BaseModel]) -> str:
    """The parameters with their defaults, for people: ``eta=0.0 order=2``."""
    return " ".join(f"{name}={field.default}" for name, field in model.model_fields.items())


def _written(value: Any) -> str:
    written = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, list | dict) or value is None or not written or set(written) & set(",=\n"):
        raise PluginError(f"A parameter cannot be {printable(written)[:80]!r}: recipes could not say so.")
    return written
