"""What a user says of an attribute, as banks keep it beside the artifact and as it travels with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from attrbank.schema.fields import Name, Record, Sha256

MAX_NOTE = 10_000
"""Characters of a note."""
MAX_PLACE = 500
"""Characters of the place that an attribute was pulled from."""

Names = Annotated[tuple[Name, ...], Field(max_length=64)]


class Annotation(Record):
    """Words about one artifact; none of them changes its id.

    Attributes:
        id: of the artifact.
        name: what it is called; None is the name in its record.
        former: names that it had, which still mean it together with its id.
        aliases: other names that mean it, as long as nothing bears them.
        tags: what it can be listed by.
        note: whatever the user wants to keep.
        pulled_from: the place, with its revision if it has one, that a pull had it from.
    """

    format_version: Literal[1] = 1
    id: Sha256
    name: Name | None = None
    former: Names = ()
    aliases: Names = ()
    tags: Names = ()
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE)] = ""
    pulled_from: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PLACE)] | None = None

    @field_validator("note")
    @classmethod
    def _is_text(cls, note: str) -> str:
        if any("\ud800" <= character <= "\udfff" for character in note):
            raise ValueError("a note must be valid Unicode")
        return note

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return self == Annotation(id=self.id)
