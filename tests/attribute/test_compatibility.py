"""What a user is told who applies an attribute to another model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from attrbank.attribute.compatibility import check_binding, mismatch, uncertain
from attrbank.diffusion.protocols import family_of, former_of, parts_of
from attrbank.errors import IncompatibleError
from attrbank.plugins.manager import load_plugins
from attrbank.schema.choices import Core
from attrbank.schema.fields import Part
from attrbank.schema.stored import AttributeRecord, Binding
from tests.helpers.artifacts import RECORD


@dataclass(frozen=True)
class Model:
    """What is compared, alike in all else to that of ``RECORD``."""

    fingerprint: str
    former_fingerprint: str
    parts: Mapping[str, str] = field(default_factory=dict)
    name: str = "here"
    family: str = "stable_diffusion"
    latent_shape: tuple[int, int, int] = AttributeRecord.model_validate(RECORD).backbone.latent_shape
    prediction_type: str = AttributeRecord.model_validate(RECORD).backbone.prediction_type


def test_two_models_of_one_name_are_told_apart() -> None:
    record = AttributeRecord.model_validate(RECORD)
    other = record.backbone.model_copy(update={"fingerprint": "f" * 16})
    with pytest.raises(IncompatibleError, match=f"another model called {other.name} .* but this one has f") as raised:
        check_binding(record, other)
    assert "folder" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("learned_on", "here", "fits", "doubted"),
    [
        ("a" * 64, Model("a" * 64, "b" * 64), True, False),
        ("b" * 64, Model("a" * 64, "b" * 64), True, True),
        ("c" * 64, Model("a" * 64, "b" * 64), False, False),
    ],
)
def test_older_artifacts_know_a_model_by_its_former_fingerprint(
    learned_on: str, here: Model, fits: bool, doubted: bool
) -> None:
    record = AttributeRecord.model_validate(RECORD)
    binding = record.backbone.model_copy(update={"fingerprint": learned_on})
    record = record.model_copy(update={"backbone": binding})
    assert (mismatch(binding, here) is None, uncertain(record, here) is not None) == (fits, doubted)


def test_a_part_counts_for_those_that_depend_on_it_and_can_be_forced() -> None:
    binding = AttributeRecord.model_validate(RECORD).backbone.model_copy(update={"parts": {"text": "a" * 64}})
    here = Model(binding.fingerprint, "", parts={"text": "b" * 64, "codec": "c" * 64})
    assert mismatch(binding, here) is None
    found = mismatch(binding, here, ("text", "codec"))  # nothing is known of the codec
    assert found is not None
    assert (found.what, found.forcible) == ("text encoder", True)


def test_a_model_need_not_say_more_than_a_binding_does() -> None:
    """As those of older plugins: a family of its own, no former fingerprint, and nothing known of its parts."""
    binding = AttributeRecord.model_validate(RECORD).backbone
    bare = SimpleNamespace(
        **{name: getattr(binding, name) for name in ("name", "fingerprint", "latent_shape", "prediction_type")}
    )
    assert (family_of(bare), former_of(bare), parts_of(bare)) == (binding.name, None, {})
    theirs = binding.model_copy(update={"family": binding.name, "parts": {"text": "a" * 64}})
    assert mismatch(theirs, bare, ("text", "codec")) is None


@pytest.mark.parametrize(("core", "parts"), [(None, ()), ("mean", ()), ("own", ("text",))])
def test_what_an_attribute_depends_on_goes_by_the_core_in_use(core: Core | None, parts: tuple[Part, ...]) -> None:
    record = AttributeRecord.model_validate(RECORD)
    assert load_plugins().parts_of_method(record, core) == parts


def test_two_models_of_two_names_are_both_named() -> None:
    record = AttributeRecord.model_validate(RECORD)
    other = Binding.model_validate(record.backbone.model_dump() | {"fingerprint": "f" * 16, "name": "sd15"})
    with pytest.raises(IncompatibleError, match=f"on {record.backbone.name} .* but sd15 has f"):
        check_binding(record, other)
