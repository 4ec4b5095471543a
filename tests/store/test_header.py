from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from attrbank.errors import CorruptArtifactError, IncompatibleError
from attrbank.store.header import MAX_HEADER, canonical, parse_header
from attrbank.store.record import validated_record
from tests.helpers.artifacts import TENSOR, artifact, file_of


def test_header_tells_metadata_and_places_of_tensors() -> None:
    header = parse_header(artifact("young"))
    assert header.record()["name"] == "young"
    assert header.tensors["core"] == ("F32", (2, 2), 0, 16)


def test_header_can_be_read_without_the_data() -> None:
    data = artifact()
    assert parse_header(data) == parse_header(data[:-16], len(data))


def test_truncation_at_every_length_is_noticed() -> None:
    data = artifact()
    for length in range(len(data)):
        with pytest.raises(CorruptArtifactError):
            parse_header(data[:length])


def test_bytes_after_the_last_tensor_are_noticed() -> None:
    with pytest.raises(CorruptArtifactError, match="follow the last tensor"):
        parse_header(artifact() + b"\0")


def _tensor(**changes: Any) -> dict[str, Any]:
    return {"core": TENSOR | changes}


CRAFTED = {
    "hole at the start": {"core": TENSOR | {"data_offsets": [4, 20]}},
    "overlap": {"a": TENSOR, "b": TENSOR | {"data_offsets": [8, 24]}},
    "same place": {"a": TENSOR, "b": TENSOR},
    "negative offset": _tensor(data_offsets=[-16, 0]),
    "reversed offsets": _tensor(data_offsets=[16, 0]),
    "huge offset": _tensor(data_offsets=[0, 2**63]),
    "fractional offset": _tensor(data_offsets=[0, 16.0]),
    "three offsets": _tensor(data_offsets=[0, 8, 16]),
    "boolean dimension": _tensor(shape=[True, 4]),
    "negative dimensions": _tensor(shape=[-2, -2]),
    "empty dimension": _tensor(shape=[0], data_offsets=[0, 0]),
    "huge dimensions": _tensor(shape=[2**40] * 8),
    "many dimensions": _tensor(shape=[1] * 99 + [4]),
    "shape is text": _tensor(shape="22"),
    "size does not fit shape": _tensor(shape=[3]),
    "unknown dtype": _tensor(dtype="F31"),
    "dtype is a list": _tensor(dtype=["F32"]),
    "extra key": _tensor(extra=1),
    "no offsets": {"core": {"dtype": "F32", "shape": [2, 2]}},
    "tensor is text": {"core": "F32"},
    "metadata is a list": {"__metadata__": [], "core": TENSOR},
    "metadata holds a number": {"__metadata__": {"a": 1}, "core": TENSOR},
    "metadata holds a lone surrogate": {"__metadata__": {"a": "\ud800"}, "core": TENSOR},
    "too many tensors": {str(n): {"dtype": "U8", "shape": [1], "data_offsets": [n, n + 1]} for n in range(65)},
}


@pytest.mark.parametrize("head", CRAFTED.values(), ids=CRAFTED)
def test_crafted_header_is_refused(head: dict[str, Any]) -> None:
    with pytest.raises(CorruptArtifactError, match="Not a valid artifact"):
        parse_header(file_of(head, bytes(24 if "b" in head else 65 if "0" in head else 16)))


RAW = {
    "duplicate tensor": b'{"core":%s,"core":%s}' % ((json.dumps(TENSOR).encode(),) * 2),
    "duplicate key inside": b'{"core":{"dtype":"F32","dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}',
    "NaN": b'{"core":NaN}',
    "deep nesting": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not UTF-8": b'{"\xff":1}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "list": b"[]",
    "not JSON": b"{core}",
    "long number": b'{"core":' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("head", RAW.values(), ids=RAW)
def test_malformed_json_is_refused(head: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        parse_header(file_of(head))


@pytest.mark.parametrize("length", [0, 1, MAX_HEADER + 1, 2**60, 2**64 - 1])
def test_length_beyond_our_limit_is_refused_before_it_is_used(length: int) -> None:
    with pytest.raises(CorruptArtifactError):
        parse_header(length.to_bytes(8, "little") + b"{}" * 40)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", b"x")
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights"))
    return buffer.getvalue()


FOREIGN: dict[str, Callable[[], bytes]] = {
    "zip": _zip,
    "pickle": lambda: pickle.dumps(list(range(99))),
    "PNG": lambda: b"\x89PNG\r\n\x1a\n" + bytes(40),
    "gzip": lambda: gzip.compress(b"x" * 99),
    "tar": _tar,
    "web page": lambda: b"<!DOCTYPE html><html><body>404",
    "git-lfs": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
    "SQLite": lambda: b"SQLite format 3\0" + bytes(84),
    "empty": lambda: b"",
    "zeros": lambda: bytes(512),
}


@pytest.mark.parametrize("looks", FOREIGN)
def test_foreign_file_is_named_for_what_it_looks_like(looks: str) -> None:
    with pytest.raises(CorruptArtifactError, match=looks):
        parse_header(FOREIGN[looks]())


def test_canonical_form_does_not_depend_on_order_or_spacing() -> None:
    small = {"dtype": "U8", "shape": [1], "data_offsets": [16, 17]}
    one = file_of({"__metadata__": {"a": "1", "b": "2"}, "core": TENSOR, "z": small}, bytes(range(17)))
    moved = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    head = {"z": moved, "core": TENSOR | {"data_offsets": [1, 17]}, "__metadata__": {"b": "2", "a": "1"}}
    other = file_of(json.dumps(head, indent=3).encode(), bytes([16]) + bytes(range(16)))
    assert canonical(one) == canonical(other)


def test_canonical_form_is_valid_aligned_and_stable() -> None:
    data = canonical(artifact())
    assert parse_header(data).metadata == parse_header(artifact()).metadata
    assert parse_header(data).size % 8 == 0
    assert data == canonical(data)


def test_file_without_record_is_no_attribute() -> None:
    with pytest.raises(CorruptArtifactError, match="no attrbank record"):
        parse_header(file_of({"core": TENSOR})).record()


@pytest.mark.parametrize("text", ["[]", "{", '{"name":1,"name":1}', '{"t_x":NaN}', "[" * 99_999])
def test_damaged_record_is_refused(text: str) -> None:
    header = parse_header(file_of({"__metadata__": {"attrbank.record": text}, "core": TENSOR}))
    with pytest.raises(CorruptArtifactError, match="record is damaged"):
        header.record()


@pytest.mark.parametrize(
    "changes", [{"name": "../x"}, {"pairs": []}, {"t_x": "soon"}, {"seeds": [-1]}, {"stray": 1}, {"backbone": None}]
)
def test_record_beside_the_schema_is_refused(changes: dict[str, Any]) -> None:
    name = changes.pop("name", "young")
    with pytest.raises(CorruptArtifactError, match="record is wrong at"):
        validated_record(parse_header(artifact(name, **changes)))


def test_what_a_damaged_record_calls_its_fields_fills_no_screen() -> None:
    with pytest.raises(CorruptArtifactError) as caught:
        validated_record(parse_header(artifact(**{"x\n" * 5000: 1})))
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


def test_record_of_another_format_version_is_incompatible() -> None:
    with pytest.raises(IncompatibleError, match="format version 2"):
        validated_record(parse_header(artifact(format_version=2)))
