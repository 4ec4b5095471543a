"""Attributes are shared: whole, checked, and never over somebody else's by accident."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants

from attrbank.attribute import bundle
from attrbank.attribute.places import addresses, folder, web
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.helpers.artifacts import usable
from tests.helpers.measured import a_card
from tests.helpers.serving import FakeHub, answering, serving_folder

JPEG = b"\xff\xd8\xff small"
REPOSITORY = "/".join(("ann", "faces"))


@pytest.fixture(autouse=True)
def on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no token, and no cache of the user's."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def stocked(bank: Bank) -> Bank:
    """Two attributes, one of them with all that can go along."""
    for name in ("young", "old"):
        bank.add(usable(name))
    young = bank.resolve("young")
    bank.measurements.keep_card(a_card(young.id))
    bank.annotations.tag(young, ["face"])
    bank.previews.keep(young, JPEG)
    return bank


@pytest.fixture
def shelf(cli: Cli, stocked: Bank, tmp_path: Path) -> Path:
    """A folder to which both were pushed."""
    pushed = cli("push", str(tmp_path / "shelf"), "young", "old", "--licence", "cc-by-4.0")
    assert (pushed.code, pushed.out) == (0, f"{tmp_path / 'shelf'}\n"), pushed.err
    return tmp_path / "shelf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that nobody has pushed to yet."""
    fake = FakeHub()
    with fake.serving() as address:
        monkeypatch.setattr(huggingface_hub, "HfApi", partial(huggingface_hub.HfApi, endpoint=address, token=False))
        yield fake


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def require_all_of_young(bank: Bank, original: Bank) -> None:
    young = bank.resolve("young")
    assert (young.id, young.tags, young.score) == (original.resolve("young").id, ("face",), 0.9)
    assert bank.previews.read(young) == JPEG


@pytest.mark.parametrize("how", ["folder", "web", "import", "hub"])
def test_what_is_pushed_can_be_pulled_with_all_that_goes_along(
    how: str, cli: Cli, stocked: Bank, shelf: Path, tmp_path: Path, hub: FakeHub
) -> None:
    other = Bank(tmp_path / "other")
    with serving_folder(shelf) as address:
        assert cli("push", f"hf://{REPOSITORY}", "young", "old").code == 0
        place = {"web": address, "hub": f"hf://{REPOSITORY}"}.get(how, str(shelf))
        command = ("import" if how == "import" else "pull", place, "--bank", str(other.path))
        for _ in range(2):  # the second time is no error
            done = cli(*command)
            assert (done.code, len(done.out.splitlines())) == (0, 2), done.err
    require_all_of_young(other, stocked)
    other.reindex()
    require_all_of_young(other, stocked)
    assert {finding.state for finding in other.verify()} == {"ok"}


def test_a_shelf_is_a_bundle_whose_page_says_what_is_in_it(shelf: Path, stocked: Bank) -> None:
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=shelf, check=False, capture_output=True)
    assert (checked.returncode, len(checked.stdout.splitlines())) == (0, 5)
    page = (shelf / "README.md").read_text()
    assert "license: cc-by-4.0" in page
    for shown in ("a person → a young person", "0.90 [0.85, 0.95]", "0.4 … 1.3", stocked.resolve("old").id[:12]):
        assert shown in page
    assert f"(young-{stocked.resolve('young').id[:12]}.preview.jpg)" in page


def test_a_place_that_was_pulled_from_is_remembered_here_and_told_to_nobody(
    cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path
) -> None:
    pushed = cli("push", f"hf://{REPOSITORY}", "young").out.strip()
    other = str(tmp_path / "other")
    pulled = cli("pull", f"hf://{REPOSITORY}@main", "--bank", other)
    assert pushed == f"hf://{REPOSITORY}@{hub.sha(REPOSITORY, 1)}"
    assert pushed in pulled.err
    assert json.loads(cli("show", "young", "--json", "--bank", other).out)["pulled_from"] == pushed
    assert pushed in cli("show", "young", "--bank", other).out
    assert cli("push", str(tmp_path / "further"), "young", "--bank", other).code == 0
    assert all(b"hf://" not in data for data in files_in(tmp_path / "further").values())


def test_an_old_revision_can_be_pulled(cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path) -> None:
    first = cli("push", f"hf://{REPOSITORY}", "young").out.strip()
    assert cli("push", f"hf://{REPOSITORY}", "old").code == 0
    assert cli("pull", first, "--bank", str(tmp_path / "other")).code == 0
    assert [entry.name for entry in Bank(tmp_path / "other").entries()] == ["young"]


@pytest.mark.parametrize("kind", ["folder", "hub"])
def test_to_push_again_changes_nothing(
    kind: str, cli: Cli, stocked: Bank, shelf: Path, hub: FakeHub, tmp_path: Path
) -> None:
    place = str(shelf) if kind == "folder" else f"hf://{REPOSITORY}"
    assert cli("push", place, "young", "old").code == 0
    before, commits = files_in(shelf), hub.commits
    again = json.loads(cli("push", place, "old", "young", "--json").out)
    assert (again["changed"], files_in(shelf), hub.commits) == (False, before, commits)
    stocked.annotations.note(stocked.resolve("old"), "kind")
    assert json.loads(cli("push", place, "old", "--json").out)["changed"]
    assert cli("pull", place, "--bank", str(tmp_path / "other")).code == 0
    assert Bank(tmp_path / "other").annotations.of(stocked.resolve("old")).note == "kind"


@pytest.mark.parametrize("kind", ["folder", "hub"])
def test_another_of_the_same_name_is_taken_away_only_when_asked(
    kind: str, cli: Cli, stocked: Bank, shelf: Path, hub: FakeHub, tmp_path: Path
) -> None:
    place = str(shelf) if kind == "folder" else f"hf://{REPOSITORY}"
    assert cli("push", place, "young", "old").code == 0
    newer = stocked.add(usable("young", t_x=0.5), replace=True)
    refused = cli("push", place, "young")
    assert (refused.code, "--replace" in refused.err) == (4, True)
    assert cli("push", place, "young", "--replace").code == 0
    assert cli("pull", place, "--bank", str(tmp_path / "other")).code == 0
    assert [entry.id for entry in Bank(tmp_path / "other").versions("young")] == [newer.id]


def test_a_page_that_somebody_wrote_stays_and_of_ours_only_the_middle_is_ours(
    cli: Cli, stocked: Bank, shelf: Path
) -> None:
    page = shelf / "README.md"
    page.write_text(page.read_text().replace("# Attributes", "# Faces, by Ann") + "\nThanks.\n")
    stocked.add(usable("hat"))
    assert cli("push", str(shelf), "hat", "--licence", "mit").code == 0
    text = page.read_text()
    assert text.endswith("\nThanks.\n")
    for shown in ("# Faces, by Ann", "| hat |", "license: mit"):
        assert text.count(shown) == 1
    page.write_text("mine\n")
    told = cli("push", str(shelf), "hat")
    assert (page.read_text(), "README.md" in told.err) == ("mine\n", True)


def test_some_of_a_shelf_can_be_pulled_and_what_is_not_there_is_named(cli: Cli, shelf: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    missing = cli("pull", str(shelf), "young", "nobody", "--bank", str(other))
    assert (missing.code, "nobody" in missing.err, other.exists()) == (3, True, False)
    identity = next(shelf.glob("old-*.safetensors")).stem.rpartition("-")[2]
    assert cli("pull", str(shelf), f"old@{identity}", "--bank", str(other)).code == 0
    assert [entry.name for entry in Bank(other).entries()] == ["old"]


def test_names_in_use_are_dealt_with_as_an_import_does(cli: Cli, shelf: Path, tmp_path: Path) -> None:
    other = Bank(tmp_path / "other")
    mine = other.add(usable(t_x=0.5))
    command = ("pull", str(shelf), "young", "--bank", str(other.path))
    assert cli(*command).code == 4
    assert cli(*command, "--on-conflict", "skip").code == 0
    assert other.resolve("young").id == mine.id
    assert cli(*command, "--on-conflict", "rename").code == 0
    assert [entry.name for entry in other.entries()] == ["young", "young-2"]
    assert cli(*command, "--on-conflict", "replace").code == 0


def test_a_folder_of_other_things_is_left_alone(cli: Cli, stocked: Bank, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("precious")
    assert cli("push", str(tmp_path / "home"), "young").code == 4
    assert files_in(tmp_path / "home") == {"thesis.tex": b"precious"}
    for strange in ("hf://ann", "hf://../up", "hf://a/b/c", "https://example.org/x", "hf://a/b@"):
        assert cli("push", strange, "young").code == 4, strange
    assert cli("pull", "https://a:b@example.org/").code == 4
    assert cli("push", str(tmp_path / "new"), "young", "--licence", "a b\nc").code == 4
    assert cli("pull", str(tmp_path / "nowhere")).code == 3


def test_two_do_not_write_to_a_folder_at_once(cli: Cli, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "PATIENCE", 0.1)
    with addresses.target(str(shelf)):
        assert cli("push", str(shelf), "young").code == 6
    assert cli("push", str(shelf), "young").code == 0


def _of_old(shelf: Path) -> Path:
    return next(shelf.glob("old-*.safetensors"))


def _grown(shelf: Path) -> None:
    picture = next(shelf.glob("*.preview.jpg"))
    picture.write_bytes(JPEG + bytes(70_000))
    _sum_up(shelf)


def _renamed(shelf: Path) -> None:
    _of_old(shelf).rename(shelf / "old-000000000000.safetensors")
    _sum_up(shelf)


def _sum_up(shelf: Path) -> None:
    (shelf / "SHA256SUMS").write_bytes(
        bundle.spelled({path.name: bundle.digest_of(path) for path in shelf.iterdir() if bundle.member(path.name)})
    )


SPOILT = {
    "a changed artifact": lambda shelf: _of_old(shelf).write_bytes(_of_old(shelf).read_bytes()[:-1] + b"x"),
    "a changed card": lambda shelf: next(shelf.glob("*.card.json")).write_text("{}"),
    "one is missing": lambda shelf: _of_old(shelf).unlink(),
    "one is larger than it may be": _grown,
    "an index that leads elsewhere": lambda shelf: (shelf / "SHA256SUMS").write_text(
        f"{'0' * 64}  ../old.safetensors\n"
    ),
    "an index that leads to another kind": lambda shelf: (shelf / "SHA256SUMS").write_text(f"{'0' * 64}  a.pkl\n"),
    "an index that is none": lambda shelf: (shelf / "SHA256SUMS").write_bytes(b"<html>\xff"),
}


@pytest.mark.parametrize("how", ["folder", "web", "hub"])
@pytest.mark.parametrize("kind", SPOILT)
def test_of_a_spoilt_shelf_nothing_enters_the_bank(
    kind: str, how: str, cli: Cli, shelf: Path, tmp_path: Path, hub: FakeHub
) -> None:
    SPOILT[kind](shelf)
    hub.repositories[REPOSITORY] = [files_in(shelf)]
    with serving_folder(shelf) as address:
        place = {"web": address, "hub": f"hf://{REPOSITORY}"}.get(how, str(shelf))
        outcome = cli("pull", place, "--bank", str(tmp_path / "other"))
    assert (outcome.code, outcome.out, outcome.err.count("error:")) == (5, "", 1)
    assert not (tmp_path / "other").exists()


def test_a_file_that_is_not_what_its_name_says_is_refused_although_its_sum_is_right(
    cli: Cli, shelf: Path, tmp_path: Path
) -> None:
    _renamed(shelf)
    assert cli("pull", str(shelf), "old", "--bank", str(tmp_path / "other")).code == 5


def test_a_hub_is_asked_how_large_a_file_is_before_it_is_fetched(
    cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path
) -> None:
    assert cli("push", f"hf://{REPOSITORY}", "young").code == 0
    hub.sizes = {"SHA256SUMS": 2**40}
    assert cli("pull", f"hf://{REPOSITORY}", "--bank", str(tmp_path / "other")).code == 5


def test_all_of_a_pull_is_bounded(cli: Cli, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrbank.attribute.exchange.MAX_PULL", 500)
    refused = cli("pull", str(shelf), "--bank", str(tmp_path / "other"))
    assert (refused.code, "500 bytes" in refused.err, (tmp_path / "other").exists()) == (5, True, False)


def _endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(2**20))
    except OSError:
        pass


def _boasting(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(2**50))
    handler.end_headers()


def _breaking_off(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"0" * 10)


def _leading(target: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


def _silent(handler: Any) -> None:
    threading.Event().wait(1)


def _dripping(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b"0")
            threading.Event().wait(0.02)
    except OSError:
        pass


HOSTILE = {
    "endless": (_endless, 5),
    "says that it is huge": (_boasting, 5),
    "breaks off": (_breaking_off, 3),
    "leads to a file": (_leading("file:///etc/passwd"), 3),
    "leads to ftp": (_leading("ftp://127.0.0.1/x"), 3),
    "leads to nowhere": (_leading("http://[bad"), 3),
    "leads in a circle": (_leading("/SHA256SUMS"), 3),
    "says nothing": (_silent, 3),
    "drips": (_dripping, 3),
    "fails": (lambda handler: handler.send_error(500), 3),
    "is no web server": (lambda handler: handler.wfile.write(b"220 ftp ready\r\n"), 3),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_server_costs_little_and_gets_nothing_in(
    kind: str, cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, code = HOSTILE[kind]
    monkeypatch.setattr(web, "SILENCE", 0.5)
    monkeypatch.setattr(web, "START", 0.5)
    monkeypatch.setattr(bundle, "MAX_SUMS", 2**22)
    with answering(answer) as address:
        outcome = cli("pull", address)
    assert (outcome.code, outcome.out, outcome.err.count("error:")) == (code, "", 1), outcome.err
    assert "bug" not in outcome.err
    assert not bank.path.exists()


def test_a_redirect_to_the_same_scheme_is_followed(cli: Cli, shelf: Path, tmp_path: Path) -> None:
    with serving_folder(shelf) as there, answering(lambda h: _leading(f"{there}{h.path}")(h)) as address:
        assert cli("pull", address, "--bank", str(tmp_path / "other")).code == 0


def test_what_the_hub_refuses_is_one_sentence(
    cli: Cli, stocked: Bank, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = cli("pull", f"hf://{REPOSITORY}")
    assert (missing.code, "hf auth login" in missing.err) == (3, True)
    assert cli("push", f"hf://{REPOSITORY}", "young").code == 0
    assert cli("pull", f"hf://{REPOSITORY}@nowhere").code == 3
    for status, code in ((412, 6), (403, 7), (500, 3)):
        hub.status = status
        refused = cli("push", f"hf://{REPOSITORY}", "old")
        assert (refused.code, refused.err.count("error:"), hub.commits) == (code, 1, 1), refused.err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for command in ("pull", "push"):
        offline = cli(command, f"hf://{REPOSITORY}", "old")
        assert (offline.code, "HF_HUB_OFFLINE" in offline.err) == (3, True)


def test_a_branch_that_moves_while_one_pushes_loses_nothing(
    cli: Cli, stocked: Bank, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("push", f"hf://{REPOSITORY}", "young").code == 0
    commit = hub.commit

    def overtaken(repository: str, lines: list[dict[str, object]]) -> object:
        hub.repositories[repository].append({**hub.repositories[repository][-1], "other.txt": b""})
        return commit(repository, lines)

    monkeypatch.setattr(hub, "commit", overtaken)
    assert cli("push", f"hf://{REPOSITORY}", "old").code == 6
    monkeypatch.undo()


def test_prompts_are_text_to_a_page_whatever_is_in_them(cli: Cli, bank: Bank, tmp_path: Path) -> None:
    prompt = "<script>x</script> | [a](javascript:b) `c` \x1b[2J **d**"
    bank.add(
        usable(
            "young",
            pairs=[{"source": prompt, "target": "b"}],
            backbone={
                "name": "/home/ann/models/sd",
                "fingerprint": "0123456789abcdef",
                "latent_shape": [4, 16, 16],
                "prediction_type": "epsilon",
            },
        )
    )
    assert cli("push", str(tmp_path / "shelf"), "young").code == 0
    page = (tmp_path / "shelf" / "README.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith("| young")]
    assert row.count("|") == 7
    for part in ("<script", "[a]", "`c`", "\x1b", "**", "/home"):
        assert part not in row
    shutil.rmtree(tmp_path / "shelf")
