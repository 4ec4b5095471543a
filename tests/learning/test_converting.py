"""Vectors of Attribute Control: read as tensors alone, bound to a model, and refused if they are anything else."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from attrbank.attribute.artifact import opened
from attrbank.cli.app import run
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.errors import CorruptArtifactError, IncompatibleError, InvalidValueError, NotFoundError
from attrbank.learning.converting import converted, is_foreign
from attrbank.names import Asked
from attrbank.store.bank import Bank

L, G = "tokenwise_delta.oai_clip_vit_l", "tokenwise_delta.openclip_g"


def published(path: Path, content: Any = None, **widths: int) -> Path:
    """A file as theirs are, in bfloat16."""
    generator = torch.Generator().manual_seed(0)
    vectors = {
        key: torch.randn(width, generator=generator).bfloat16()
        for key, width in {L: widths.get("first", 32), G: widths.get("second", 48)}.items()
    }
    torch.save({"delta": OrderedDict(vectors)} if content is None else content, path)
    return path


def test_a_published_file_becomes_a_text_direction(tiny_pipeline_xl: Path, tmp_path: Path) -> None:
    file = published(tmp_path / "person_smile.pt")
    attribute = converted(file, name=None, backbone=str(tiny_pipeline_xl), word="person")
    record = attribute.record
    assert (record.name, record.method, record.words, record.t_x) == ("person_smile", "text", ("person",), 0.8)
    assert (record.pairs, record.seeds, record.core) == ((), (), None)
    assert record.imported is not None
    assert record.imported.format == "Attribute Control"
    theirs = torch.load(file, weights_only=True)["delta"]
    assert torch.equal(attribute.tensors["text_encoder"], theirs[L].float())
    assert torch.equal(attribute.tensors["text_encoder_2"], theirs[G].float())


def test_a_model_with_the_first_encoder_alone_keeps_its_vector_alone(tiny_pipeline: Path, tmp_path: Path) -> None:
    attribute = converted(published(tmp_path / "a.pt"), name="smile", backbone=str(tiny_pipeline), word="person")
    assert list(attribute.tensors) == ["text_encoder"]


def test_it_is_imported_shown_and_applied(tiny_pipeline_xl: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    file, bank = published(tmp_path / "person_smile.pt"), tmp_path / "bank"
    monkeypatch.setenv("ATTRBANK_BANK", str(bank))
    model = str(tiny_pipeline_xl)
    assert run(["import", str(file), "--backbone", model, "--on", "person", "--name", "grin"]) == 0
    assert run(["show", "grin"]) == 0
    shown = capsys.readouterr().out
    assert "Attribute Control" in shown
    assert "person" in shown
    assert run(["list", "--json"]) == 0
    entry = Bank(bank).resolve("grin")
    assert opened(Bank(bank).artifact(entry)).record.imported is not None
    assert [path.suffix for path in (bank / "objects").rglob("*") if path.is_file()] == [".safetensors"]
    request = {"references": (Asked("grin", 2.0),), "steps": 4, "prompt": "a photo of a person", "bank": bank}
    done = apply(ApplyRequest(**request, output=tmp_path / "out.png"))
    assert not torch.equal(done.before, done.after)
    assert run(["reindex"]) == 0
    assert run(["import", str(file), "--backbone", model, "--on", "person", "--name", "grin"]) == 0, "again is no error"


def test_what_the_file_does_not_say_must_be_given(tiny_pipeline: Path, tmp_path: Path) -> None:
    file = published(tmp_path / "a.pt")
    for given in ({"backbone": None, "word": "person"}, {"backbone": str(tiny_pipeline), "word": None}):
        with pytest.raises(InvalidValueError, match="neither for which text encoders") as raised:
            converted(file, name="a", **given)
        assert "--backbone" in str(raised.value.hint)
        assert "--on" in str(raised.value.hint)


def test_other_text_encoders_are_refused(tiny_pipeline: Path, tiny_sd3: Path, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleError, match=r"holds 768 numbers for the text_encoder, .* has 32"):
        converted(published(tmp_path / "a.pt", first=768), name="a", backbone=str(tiny_pipeline), word="man")
    with pytest.raises(IncompatibleError, match="no token_spans"):
        converted(published(tmp_path / "b.pt"), name="a", backbone=str(tiny_sd3), word="man")
    only = published(tmp_path / "c.pt", {"delta": {G: torch.ones(48)}})
    with pytest.raises(IncompatibleError, match="holds nothing for the text_encoder"):
        converted(only, name="a", backbone=str(tiny_pipeline), word="man")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (torch.ones(32), "no dict"),
        ({"delta": {}}, "no dict"),
        ({"delta": [torch.ones(32)]}, "no dict"),
        ({"delta": {L: torch.ones(32)}, "more": 1}, "no dict"),
        ({"delta": {"../../evil": torch.ones(32)}}, "no vector of theirs"),
        ({"delta": {L: "text"}}, "no plain tensor"),
        ({"delta": {L: torch.ones(32).to_sparse()}}, "no plain tensor"),
        ({"delta": {L: torch.ones(2, 16)}}, "no vector of numbers"),
        ({"delta": {L: torch.ones(0)}}, "no vector of numbers"),
        ({"delta": {L: torch.ones(32, dtype=torch.int64)}}, "no vector of numbers"),
        ({"delta": {L: torch.full((32,), float("nan"))}}, "not finite"),
        ({"delta": {L: torch.ones(2**20)}}, "more than"),
    ],
)
def test_anything_else_is_refused(content, complaint: str, tiny_pipeline: Path, tmp_path: Path) -> None:
    file = published(tmp_path / "a.pt", content)
    with pytest.raises(CorruptArtifactError, match=complaint):
        converted(file, name="a", backbone=str(tiny_pipeline), word="man")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran"),))


def test_nothing_in_a_file_is_run(tiny_pipeline: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"delta": {L: Evil()}}, "evil.pt")
    Path("plain.pt").write_bytes(pickle.dumps(Evil()))
    for name, complaint in (("evil.pt", "something else than tensors"), ("plain.pt", "not torch's zip format")):
        with pytest.raises(CorruptArtifactError, match=complaint):
            converted(Path(name), name="a", backbone=str(tiny_pipeline), word="man")
    assert not Path("ran").exists()


def test_a_bomb_is_not_unpacked(tiny_pipeline: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb/data.pkl", b"\0" * 2**24)
    with pytest.raises(CorruptArtifactError, match="unpacks to more than"):
        converted(tmp_path / "bomb.pt", name="a", backbone=str(tiny_pipeline), word="man")


def test_files_that_are_not_there_and_names_that_are_none(tiny_pipeline: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        converted(tmp_path / "no.pt", name="a", backbone=str(tiny_pipeline), word="man")
    with pytest.raises(InvalidValueError):
        converted(published(tmp_path / "Ä.pt"), name=None, backbone=str(tiny_pipeline), word="man")
    assert is_foreign(tmp_path / "X.PT")
    assert not is_foreign(tmp_path / "x.safetensors")
