"""On a real Ray cluster of two workers: the contract, and all that is divided comes out as in one process."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.editing.axes import SheetRequest, strengths_axis
from attrbank.editing.cells import draw_cells
from attrbank.errors import PluginError
from attrbank.evaluation.evaluate import EvalRequest, evaluate
from attrbank.evaluation.numbers.results import Figures
from attrbank.evaluation.pairings import MatrixRequest, measure_matrix
from attrbank.executors.on_ray import Ray
from attrbank.executors.protocol import Job, Task
from attrbank.executors.trial import TARGET
from attrbank.learning.fleet.read import read_fleet
from attrbank.learning.fleet.run import Run
from attrbank.plugin.testing import ExecutorContract
from attrbank.store.bank import Bank
from tests.helpers.ray_cluster import Cluster, cluster
from tests.helpers.tiny_bench import backbone, learned, stocked

__all__ = ["backbone", "learned", "stocked"]

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # Ray leaves sockets open
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"),
]

SOURCES = ("person", "man", "woman")


@pytest.fixture(scope="module", autouse=True)
def ray_cluster() -> Iterator[Cluster]:
    """The one that all of this module is tried on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")  # before anything imports Ray; its own cluster asks for one
        with cluster() as found:
            TestRay.address = found.address
            yield found


class TestRay(ExecutorContract):
    address = ""

    def make(self) -> Ray:
        return Ray(self.address)

    def test_workers_are_other_processes_that_are_like_the_client(self) -> None:
        heard: list[bytes] = []
        tasks = iter([Task(0, b""), None])
        job = Job("tests.executors.whereabouts:made", b"")
        list(self.make().run(job, lambda: next(tasks, None), lambda task, message: heard.append(message)))
        pid, folder, plugins = heard[0].decode().split("\n")
        assert (pid != str(os.getpid()), folder, plugins) == (True, os.getcwd(), "none")

    def test_a_kill_ends_the_client_as_any_process_and_afterwards_does_what_it_did(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        tasks = iter([Task(0, b""), None])
        with pytest.raises(SystemExit) as ended:
            list(self.make().run(Job(TARGET, b""), lambda: next(tasks, None), lambda *told: signal.raise_signal(15)))
        assert ended.value.code == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is before

    def test_another_attrbank_is_refused(self) -> None:
        with pytest.raises(PluginError, match=r"has attrbank .*, not 0\.0"):
            list(self.make().run(Job(TARGET, b"", version="0.0"), lambda: Task(0, b""), lambda task, message: None))

    def test_work_that_cannot_begin_is_told(self) -> None:
        with pytest.raises(PluginError, match="A worker cannot begin: ModuleNotFoundError"):
            list(self.make().run(Job("nowhere:made", b""), lambda: Task(0, b""), lambda task, message: None))


def _sheet(folder: Path, model: Path) -> Path:
    lines = ["[defaults]", f"backbone = '{model}'", 'seeds = "0-1"', "steps = 6", 'core = "mean"', "force = true"]
    for who in SOURCES:
        for what in ("hat", "glasses"):
            lines += [f"[attributes.{who}-{what}]", f'source = "a {who}"', f'target = "a {who} with a {what}"']
    path = folder / "a.toml"
    path.write_text("\n".join(lines))
    return path


def _held(bank: Path) -> dict[str, bytes]:
    return {entry.id: Bank(bank).read(entry) for entry in Bank(bank).entries()}


def test_the_bank_is_the_same_byte_for_byte_also_when_a_worker_is_killed(
    ray_cluster: Cluster, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    file, stored = _sheet(tmp_path, tiny_pipeline), list[str]()
    Run(bank=tmp_path / "here")(read_fleet(file, tmp_path / "here"))

    def killing(entry: object) -> None:
        stored.append(str(entry))
        if len(stored) == 2:
            os.kill(next(ray_cluster.workers()), signal.SIGKILL)

    run = Run(bank=tmp_path / "there", executor=Ray(ray_cluster.address), on_stored=killing)
    outcomes = run(read_fleet(file, tmp_path / "there"))
    assert [outcome.error for outcome in outcomes] == [None] * 6
    assert len(stored) == 6
    assert _held(tmp_path / "there") == _held(tmp_path / "here")


@pytest.fixture
def two(learned: LearnedAttribute, stocked: Path) -> Path:
    """A bank of two attributes."""
    record = learned.record.model_copy(update={"name": "man"})
    Bank(stocked).add(encode(LearnedAttribute(record, learned.tensors)))
    return stocked


def _not_by_the_client(*given: object, **how: object) -> None:
    raise AssertionError("done by the client")


MEASURED = {"seeds": (10_000, 10_001, 10_002), "steps": 5, "judge": "self"}


def test_an_evaluation_comes_out_as_in_one_process(
    ray_cluster: Cluster, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"against": ("target-prompt",), "strengths": (1.0,)}
    request, warned = EvalRequest(references=("old", "man"), bank=two, **MEASURED, **asked), list[str]()
    alone = evaluate(request)
    monkeypatch.setattr("attrbank.evaluation.bench.runner.strip", _not_by_the_client)
    found = evaluate(request, executor=Ray(ray_cluster.address), on_warning=warned.append)
    assert _unhurried(found.figures) == _unhurried(alone.figures)
    assert (len(found.figures.attributes), found.failed, warned) == (2, (), [])


def _unhurried(figures: Figures) -> str:
    """Figures without the seconds that they took."""
    return re.sub(r'"seconds":[^,}]+', "", figures.model_dump_json())


def test_a_matrix_comes_out_as_in_one_process(ray_cluster: Cluster, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request, warned = MatrixRequest(references=("old", "man"), bank=two, **MEASURED), list[str]()
    alone = measure_matrix(request)
    monkeypatch.setattr("attrbank.evaluation.bench.together.Together._cell", _not_by_the_client)
    assert measure_matrix(request, executor=Ray(ray_cluster.address), on_warning=warned.append) == alone
    assert [line for line in warned if "measured here" in line] == []


def test_a_sheet_is_drawn_as_in_one_process_byte_for_byte(
    ray_cluster: Cluster, two: Path, tiny_pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {"backbone": str(tiny_pipeline), "bank": two, "steps": 4, "output": two / "here.png"}
    axes = {"across": strengths_axis("old", "0,1"), "down": strengths_axis("man", "0,1")}
    here = draw_cells(SheetRequest(references=(), common=common, **axes), "here.png").output
    monkeypatch.setattr("attrbank.editing.run.Editor.draw", _not_by_the_client)
    request = SheetRequest(references=(), common=common | {"output": two / "there.png"}, **axes)
    there = draw_cells(request, "there.png", executor=Ray(ray_cluster.address)).output
    assert (here != there, there.read_bytes()) == (True, here.read_bytes())


def test_tasks_of_no_work_cost_little(ray_cluster: Cluster) -> None:
    tasks = iter(range(300))
    take = lambda: next((Task(n, b"") for n in tasks), None)  # noqa: E731
    assert (
        sum(end.lost is None for end in Ray(ray_cluster.address).run(Job(TARGET, b""), take, lambda t, m: None)) == 300
    )
