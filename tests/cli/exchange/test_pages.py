"""The page of a bundle tells people what is in it, and leaves alone what they wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from attrbank.attribute import bundle
from attrbank.attribute.places.hub import Hub
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli
from tests.cli.exchange.conftest import HUB, REPOSITORY
from tests.helpers.artifacts import usable
from tests.helpers.measured import a_card
from tests.helpers.serving import FakeHub


def test_a_shelf_is_a_bundle_whose_page_says_what_is_in_it(shelf: Path, stocked: Bank) -> None:
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=shelf, check=False, capture_output=True)
    assert (checked.returncode, len(checked.stdout.splitlines())) == (0, 5)
    page = (shelf / "README.md").read_text()
    assert "license: cc-by-4.0" in page
    for shown in ("a person → a young person", "0.90 [0.85, 0.95]", "0.4 … 1.3", stocked.resolve("old").id[:12]):
        assert shown in page
    assert f"(young-{stocked.resolve('young').id[:12]}.preview.jpg)" in page


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


def test_a_page_that_no_push_could_read_is_not_written(
    cli: Cli, stocked: Bank, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in shelf.iterdir()}
    monkeypatch.setattr(bundle, "MAX_PAGE", len(before["README.md"]))
    stocked.add(usable("hat"))
    told = cli("push", str(shelf), "hat")
    assert (told.code, told.out) == (4, "")
    assert ("is full" in told.err, "another place" in told.err) == (True, True)
    assert {path.name: path.read_bytes() for path in shelf.iterdir()} == before
    assert cli("push", str(shelf), "young").code == 0
    assert cli("pull", str(shelf), "young").code == 0


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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that a hub was asked for."""
    names, read = list[str](), Hub.read

    def noted(place: Hub, name: str, limit: int) -> bytes | None:
        names.append(name)
        return read(place, name, limit)

    monkeypatch.setattr(Hub, "read", noted)
    return names


def test_of_what_is_there_nothing_is_read_where_the_page_stays_as_it_is(
    cli: Cli, stocked: Bank, hub: FakeHub, asked: list[str]
) -> None:
    assert cli("push", HUB, "young", "old").code == 0
    assert cli("push", HUB, "young").err == "Everything was there already.\n"
    hub.repositories[REPOSITORY][-1]["README.md"] = b"mine\n"
    stocked.annotations.note(stocked.resolve("young"), "kind")
    assert cli("push", HUB, "young").code == 0
    assert set(asked) == {"SHA256SUMS", "README.md"}


def test_a_push_reads_no_attribute_of_others_and_the_page_is_as_if_all_had_been_pushed_at_once(
    cli: Cli, stocked: Bank, hub: FakeHub, asked: list[str], tmp_path: Path
) -> None:
    stocked.add(usable("hat"))
    assert cli("push", HUB, "young", "hat").code == 0
    assert cli("push", HUB, "old").code == 0
    stocked.measurements.keep_card(a_card(stocked.resolve("hat").id))
    assert cli("push", HUB, "hat").code == 0
    assert set(asked) == {"SHA256SUMS", "README.md"}
    assert cli("push", str(tmp_path / "shelf"), "young", "old", "hat").code == 0
    page = (tmp_path / "shelf" / "README.md").read_bytes()
    assert hub.repositories[REPOSITORY][-1]["README.md"] == page
    assert page.count(b"0.90 [0.85, 0.95]") == 2


@pytest.mark.parametrize("spoil", [(b"| young |", b"| young | "), (b"0.90 [", b"1.00 ["), (b"<!-- ", b"<!--  ")])
def test_of_a_page_that_was_changed_no_row_is_taken_over(
    spoil: tuple[bytes, bytes], cli: Cli, stocked: Bank, hub: FakeHub, asked: list[str]
) -> None:
    assert cli("push", HUB, "young", "old").code == 0
    files = hub.repositories[REPOSITORY][-1]
    first, _, rest = files["README.md"].partition(b"\n\n|")
    sound, files["README.md"] = files["README.md"], first + b"\n\n|" + rest.replace(*spoil, 1)
    assert files["README.md"] != sound
    stocked.annotations.note(stocked.resolve("old"), "kind")
    assert cli("push", HUB, "old").code == 0
    told = hub.repositories[REPOSITORY][-1]["README.md"]
    assert (told.splitlines()[:-2], len(asked) > 4) == (sound.splitlines()[:-2], True)
