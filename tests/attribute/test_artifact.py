from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute, decode, encode
from attrbank.errors import CorruptArtifactError, IncompatibleError, InvalidValueError, NumericError
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from tests.helpers.artifacts import RECORD, TENSOR, artifact, file_of


def _attribute(tensors: dict[str, Tensor] | None = None, **changes: Any) -> LearnedAttribute:
    made = {"u": torch.arange(12.0).reshape(3, 4), "half": torch.ones(2, dtype=torch.float16), "n": torch.tensor([7])}
    return LearnedAttribute(AttributeRecord.model_validate(RECORD | changes), made if tensors is None else tensors)


def test_decoded_attribute_is_the_encoded_one() -> None:
    attribute = _attribute()
    decoded = decode(encode(attribute))
    assert attribute.record == decoded.record
    assert attribute.tensors.keys() == decoded.tensors.keys()
    for name, tensor in attribute.tensors.items():
        assert tensor.dtype == decoded.tensors[name].dtype
        assert torch.equal(tensor, decoded.tensors[name])


def test_equal_content_gives_equal_bytes_over_twenty_saves() -> None:
    assert len({encode(_attribute()) for _ in range(20)}) == 1


def test_order_of_tensors_and_figures_does_not_change_the_bytes() -> None:
    one = _attribute(measured={"a": 1.0, "b": 2.0})
    tensors = dict(reversed(one.tensors.items()))
    assert encode(one) == encode(_attribute(tensors, measured={"b": 2.0, "a": 1.0}))


def test_memory_layout_and_gradients_do_not_change_the_bytes() -> None:
    plain = torch.arange(6.0).reshape(2, 3)
    transposed = plain.T.contiguous().T.requires_grad_()
    assert encode(_attribute({"u": plain})) == encode(_attribute({"u": transposed}))


def test_tensors_that_share_memory_can_be_stored() -> None:
    whole = torch.arange(6.0)
    decoded = decode(encode(_attribute({"whole": whole, "part": whole[:2], "again": whole})))
    assert torch.equal(whole[:2], decoded.tensors["part"])


def test_other_content_gives_other_bytes() -> None:
    assert encode(_attribute()) != encode(_attribute(t_x=0.41))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_tensor_that_is_not_finite_is_refused_both_ways(value: float) -> None:
    with pytest.raises(NumericError, match="'u'"):
        encode(_attribute({"u": torch.tensor([1.0, value])}))
    body = torch.tensor([1.0, 2.0, 3.0, value]).numpy().tobytes()
    with pytest.raises(NumericError, match="'core'"):
        decode(artifact(body=body))


@pytest.mark.parametrize(
    "tensors",
    [
        {str(number): torch.zeros(1) for number in range(65)},
        {"u": torch.zeros(0)},
        {"u": torch.zeros(2, dtype=torch.complex64)},
        {"u": torch.zeros(2).to_sparse()},
    ],
    ids=["too many", "empty", "complex", "sparse"],
)
def test_tensors_beyond_the_limits_are_refused(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(InvalidValueError, match="cannot be stored"):
        encode(_attribute(tensors))


def test_truncation_at_every_length_is_refused() -> None:
    data = encode(_attribute())
    for length in range(len(data)):
        with pytest.raises(CorruptArtifactError):
            decode(data[:length])


def test_artifact_of_another_format_version_is_incompatible() -> None:
    with pytest.raises(IncompatibleError, match="format version 2"):
        decode(artifact(format_version=2))


def test_safetensors_without_a_record_are_no_attribute() -> None:
    with pytest.raises(CorruptArtifactError, match="no attrbank record"):
        decode(file_of({"core": TENSOR}))


def test_record_that_breaks_the_schema_is_corrupt() -> None:
    with pytest.raises(CorruptArtifactError, match="t_x"):
        decode(artifact(t_x=7))


def test_artifact_goes_through_a_bank(bank: Bank) -> None:
    attribute = _attribute(pairs=[{"source": "ein Mädchen", "target": "眼鏡の女の子 👓"}])
    entry = bank.add(encode(attribute))
    assert attribute.record == decode(bank.read(entry)).record == bank.record(entry)
    assert entry.target == "眼鏡の女の子 👓"


def test_record_is_readable_json_in_the_file() -> None:
    data = encode(_attribute(pairs=[{"source": "Mädchen", "target": "x"}]))
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["attrbank.record"])["pairs"][0]["source"] == "Mädchen"


@pytest.fixture
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tmp_path_factory.mktemp("artifact") / "bank")
