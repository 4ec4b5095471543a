"""What the work of a worker tells the client: a record, and behind it bytes."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationError

from attrbank.errors import CorruptArtifactError
from attrbank.schema.fields import Record

MAX_TEXT = 20_000


class Told(Record):
    """What a message is about.

    Attributes:
        said: how far it is; what the user should know; that something is made, which are the bytes; a picture of it;
            or that it failed.
        of: which part of the task, from 0.
        text: the stage, the warning, or why it failed.
        done, total: of a stage; of what is made, ``done`` is what it took.
    """

    said: Literal["progress", "warning", "made", "drawn", "failed"]
    of: Annotated[int, Field(ge=0)] = 0
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    done: Annotated[int, Field(ge=0)] = 0
    total: Annotated[int, Field(ge=0)] = 0


class Message(NamedTuple):
    """A record and bytes."""

    told: Told
    data: bytes = b""


def framed(told: Told, data: bytes = b"") -> bytes:
    """The message as one piece."""
    return told.model_dump_json(exclude_defaults=True).encode() + b"\n" + data


def unframed(message: bytes) -> Message:
    """What a worker has told.

    Raises:
        CorruptArtifactError: it is no such message.
    """
    head, newline, data = message.partition(b"\n")
    try:
        return Message(Told.model_validate_json(head if newline else b""), data)
    except ValidationError as error:
        raise CorruptArtifactError(
            "A worker has told what cannot be understood.", "See that workers have the same attrbank."
        ) from error
