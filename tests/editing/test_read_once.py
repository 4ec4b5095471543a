"""An artifact is opened, hashed and parsed once, for one picture as for many; beside that only banks are listed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from attrbank.attribute.artifact import LearnedAttribute, decode, encode
from attrbank.editing.batch import apply_all
from attrbank.editing.batch_plan import BatchRequest
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn
from attrbank.names import Asked
from attrbank.store import blobs, header
from attrbank.store.bank import Bank

NAMES = ("young", "smile", "bystander")

_noting: list[list[str]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _noting and event == "open":
        _noting[-1].append(str(arguments[0]))


sys.addaudithook(_note)  # whatever way a file is opened in; it cannot be taken off, and notes only when told to


@contextmanager
def opened_files() -> Iterator[list[str]]:
    _noting.append([])
    yield _noting[-1]
    _noting.clear()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, tiny_pipeline: Path) -> Path:
    """A bank of three attributes, to lie beneath the user's as the starter bank does."""
    folder = tmp_path_factory.mktemp("shipped")
    spec = learn_spec(NAMES[0], ["a photo of a person"], ["a photo of an old person"], seeds=(0, 1), steps=5)
    entry = learn(spec, backbone=str(tiny_pipeline), bank=folder)
    first = decode(Bank(folder).read(entry))
    for name in NAMES[1:]:
        Bank(folder).add(encode(LearnedAttribute(first.record.model_copy(update={"name": name}), first.tensors)))
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often artifacts are hashed and headers parsed, wherever in the package."""
    counted: Counter[str] = Counter()
    for function in (header.parse_header, blobs.identify):
        counting = _counting(function, counted)
        for module in [module for name, module in sys.modules.items() if name.startswith("attrbank.")]:
            if vars(module).get(function.__name__) is function:
                monkeypatch.setattr(module, function.__name__, counting)
    return counted


def _counting(function: Callable[..., Any], counted: Counter[str]) -> Callable[..., Any]:
    def counting(*arguments: Any) -> Any:
        counted[function.__name__] += 1
        return function(*arguments)

    return counting


@pytest.mark.parametrize("prompts", [(), ("a man", "a woman", "a smiling man", "a person")], ids=["one", "batch"])
def test_an_artifact_is_opened_hashed_and_parsed_once(
    prompts: tuple[str, ...],
    shipped: Path,
    tiny_pipeline: Path,
    tmp_path: Path,
    calls: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: shipped)
    common = {"bank": tmp_path / "bank", "backbone": str(tiny_pipeline), "steps": 5}
    request = ApplyRequest(references=(Asked("young"), Asked("smile", 0.5)), output=tmp_path / "{prompt}.png", **common)
    with opened_files() as opened:
        if prompts:
            apply_all(BatchRequest(common=request, prompts=prompts))
        else:
            apply(ApplyRequest(references=request.references, output=tmp_path / "one.png", **common))
    found = Counter(Path(path).stem for path in opened if str(shipped / "objects") in path)
    ids = {entry.name: entry.id for entry in Bank(shipped).entries()}
    listed = 1  # the starter bank has no index: to know what is in it is to look at every header, once
    assert {name: found[ids[name]] for name in NAMES} == {"young": listed + 1, "smile": listed + 1, "bystander": listed}
    assert calls == {"identify": 2, "parse_header": len(NAMES) * listed + 2}
    assert len(list(tmp_path.glob("*.png"))) == max(1, len(prompts))
