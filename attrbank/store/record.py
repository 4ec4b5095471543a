"""Checks an artifact's record against the schema; kept apart because pydantic models are slow to import."""

from __future__ import annotations

from pydantic import ValidationError

from attrbank.errors import CorruptArtifactError, IncompatibleError
from attrbank.schema.complaints import place_and_reason
from attrbank.schema.fields import FORMAT_VERSION
from attrbank.schema.stored import AttributeRecord
from attrbank.store.header import Header


def validated_record(header: Header) -> AttributeRecord:
    """The attribute's record.

    Raises:
        CorruptArtifactError: there is none, or it does not follow the schema.
        IncompatibleError: it follows another version of the schema.
    """
    fields = header.record()
    version = fields.get("format_version", FORMAT_VERSION)
    if type(version) is int and version != FORMAT_VERSION:
        raise IncompatibleError(
            f"The artifact has format version {version}; this attrbank reads version {FORMAT_VERSION}.",
            "Update attrbank, or learn the attribute again.",
        )
    try:
        return AttributeRecord.model_validate(fields)
    except ValidationError as error:
        place, reason = place_and_reason(error)
        raise CorruptArtifactError(f"Not a valid attribute: its record is wrong at {place}: {reason}.") from error
