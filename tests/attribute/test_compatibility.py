"""What a user is told who applies an attribute to another model."""

from __future__ import annotations

import pytest

from attrbank.attribute.compatibility import check_binding
from attrbank.errors import IncompatibleError
from attrbank.schema.stored import AttributeRecord, Binding
from tests.helpers.artifacts import RECORD


def test_two_models_of_one_name_are_told_apart() -> None:
    record = AttributeRecord.model_validate(RECORD)
    other = record.backbone.model_copy(update={"fingerprint": "f" * 16})
    with pytest.raises(IncompatibleError, match=f"another model called {other.name} .* but this one has f") as raised:
        check_binding(record, other)
    assert "folder" in str(raised.value.hint)


def test_two_models_of_two_names_are_both_named() -> None:
    record = AttributeRecord.model_validate(RECORD)
    other = Binding.model_validate(record.backbone.model_dump() | {"fingerprint": "f" * 16, "name": "sd15"})
    with pytest.raises(IncompatibleError, match=f"on {record.backbone.name} .* but sd15 has f"):
        check_binding(record, other)
