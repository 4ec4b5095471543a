"""What is compared is what acts at strength 1, and what makes no direction is refused before it costs anything."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute, encode, opened
from attrbank.editing.directions import Direction, cosine, direction_of, makers
from attrbank.errors import CorruptArtifactError, IncompatibleError, NotFoundError
from attrbank.methods.avi import Avi
from attrbank.methods.text import Text
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.blobs import Artifact
from tests.helpers.artifacts import RECORD, SHAPES, file_of, pointing, usable

WORDED = {"method": "text", "vectors": None, "units": {}, "words": ["person"]}


def direction(data: bytes) -> Direction:
    return direction_of(Artifact.of(data))


def text(vectors: Mapping[str, torch.Tensor], **changes: Any) -> bytes:
    """A text direction of these vectors."""
    record = AttributeRecord.model_validate(RECORD | WORDED | changes)
    return encode(LearnedAttribute(record, vectors))


@pytest.mark.parametrize("name", ["young", "hat", "beard"])  # cores conv, mean and mlp
def test_of_vectors_it_is_what_their_mean_adds(name: str) -> None:
    bank = Bank.starter()
    artifact = bank.artifact(bank.resolve(name))
    attribute = opened(artifact)
    edit: Any = Avi().edit(attribute.record, attribute.tensors, "mean")
    added = edit.difference.double().flatten()
    assert direction_of(artifact).values == pytest.approx((added / added.norm()).numpy(), abs=1e-6)


def test_of_text_it_is_the_vectors_of_all_encoders() -> None:
    vectors = {"b": torch.tensor([0.0, 3.0]), "a": torch.tensor([4.0])}
    assert direction(text(vectors)).values == pytest.approx([0.8, 0.0, 0.6])


def test_a_negative_unit_turns_it_round() -> None:
    one, other = (direction(pointing("x", [1, 2, 3], units={"mean": unit})) for unit in (2.0, -1.0))
    assert cosine(one, other) == pytest.approx(-1)


def test_half_precision_is_read_as_what_it_is() -> None:
    vector = torch.tensor([1.0, -2.0, 0.5])
    directions = [direction(text({"a": vector.to(dtype)})) for dtype in (torch.float32, torch.float16, torch.bfloat16)]
    assert [cosine(directions[0], other) for other in directions] == pytest.approx([1.0, 1.0, 1.0])


PARTS = {"text": "a" * 64, "codec": "b" * 64}
OTHER_MODEL = RECORD["backbone"] | {"fingerprint": "f" * 16}


@pytest.mark.parametrize(
    ("one", "other", "comparable"),
    [
        (pointing("x", [1]), pointing("y", [1], t_x=0.2, units={"mean": 2.0, "live": 1.0}, times=[0.5]), True),
        (pointing("x", [1]), pointing("y", [1], backbone=OTHER_MODEL), False),
        (pointing("x", [1]), text({"a": torch.ones(1024)}), False),
        (text({"a": torch.ones(4)}), text({"a": torch.ones(4), "b": torch.ones(1)}), False),
        (text({"a": torch.ones(4)}), text({"a": torch.ones(4)}, backbone=OTHER_MODEL), False),
        (
            text({"a": torch.ones(4)}, backbone=RECORD["backbone"] | {"parts": PARTS}),
            text({"a": torch.ones(4)}, backbone=OTHER_MODEL | {"parts": PARTS | {"codec": "c" * 64}}),
            True,  # the same text encoder
        ),
    ],
)
def test_only_what_belongs_to_the_same_model_is_compared(one: bytes, other: bytes, comparable: bool) -> None:
    if comparable:
        assert cosine(direction(one), direction(other)) == pytest.approx(1)
    else:
        with pytest.raises(IncompatibleError, match="cannot be compared"):
            cosine(direction(one), direction(other))


PAPER = {"vectors": "paper", "core": None, "rank": None, "units": {}, "paper": {"k": 2}}


def shaped(**shapes: tuple[int, ...]) -> bytes:
    return usable(shapes=SHAPES | {name.replace("_", "."): shape for name, shape in shapes.items()}, body=b"\1" * 64)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (usable(**PAPER), IncompatibleError, "no direction"),
        (usable(), CorruptArtifactError, "zero"),
        (pointing("x", [float("nan")]), CorruptArtifactError, "not finite"),
        (file_of({"__metadata__": {}}, b""), CorruptArtifactError, "no attrbank record"),
        (usable(method="nobody's"), NotFoundError, "not installed"),
        (usable(shapes={"mean.u": (4, 16, 1)}), CorruptArtifactError, "cannot use"),
        (shaped(mean_u=(4, 8, 1)), CorruptArtifactError, "shape"),
        (shaped(mean_u=(1, 200_000, 1), mean_core=(1, 1), mean_vh=(1, 1, 200_000)), CorruptArtifactError, "shape"),
        (usable(backbone=RECORD["backbone"] | {"latent_shape": [4096] * 3}), CorruptArtifactError, "larger"),
        (shaped(mean_vh=(4, 3, 16)), CorruptArtifactError, "cannot use"),
    ],
)
def test_what_makes_no_direction_is_refused_in_a_sentence(data: bytes, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        direction(data)


def test_what_a_method_raises_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("one\ntwo")

    monkeypatch.setattr(Text, "direction", fail)
    with pytest.raises(CorruptArtifactError, match=r"'text' cannot use young: one\.$"):
        direction(text({"a": torch.ones(2)}))


def test_who_makes_directions_is_told_with_versions() -> None:
    assert '"avi", "attrbank", ' in makers()


def test_numbers_of_any_place_in_the_file_are_read() -> None:
    """Tensors need not be aligned to anything."""
    head: dict[str, Any] = {"__metadata__": {"attrbank.record": json.dumps(RECORD | WORDED)}}
    head |= {
        "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]},
    }
    found = direction(file_of(head, bytes([3]) + struct.pack("<2f", 0.0, 4.0)))
    assert np.array_equal(found.values, [0.6, 0.0, 0.8])
