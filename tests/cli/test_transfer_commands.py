"""Attributes travel as files: what leaves a bank arrives in another, and nothing else does."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from attrbank.attribute import transfer
from attrbank.errors import AttrbankError
from attrbank.store.bank import Bank
from attrbank.store.header import check_seal, seal
from tests.cli.conftest import Cli
from tests.helpers.artifacts import object_path, usable as artifact
from tests.helpers.measured import a_card

NAN = struct.pack("<f", float("nan"))


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_an_attribute_travels_from_bank_to_bank(cli: Cli, bank: Bank, outside: Path) -> None:
    entry = bank.add(artifact())
    file = f"young-{entry.id[:12]}.safetensors"
    assert cli("export", "young").out == f"{file}\n"
    assert (outside / file).read_bytes() == bank.read(entry)
    other = str(outside / "other")
    for _ in range(2):  # the second time is no error
        assert cli("import", file, "--bank", other).out == f"{entry.reference}\n"
    assert [found.id for found in Bank(other).versions("young")] == [entry.id]


def test_several_travel_together_and_report_as_json(cli: Cli, bank: Bank, outside: Path) -> None:
    ids = [bank.add(artifact(name=name)).id for name in ("young", "old")]
    (outside / "folder").mkdir()
    exported = json.loads(cli("export", "young", "old", "-o", "folder", "--json").out)
    assert [(facts["name"], facts["id"]) for facts in exported] == [("young", ids[0]), ("old", ids[1])]
    files = [facts["output"] for facts in exported]
    imported = json.loads(cli("import", *files, "--json", "--bank", "other").out)
    assert [(facts["id"], facts["file"]) for facts in imported] == list(zip(ids, files, strict=True))


def test_a_starter_attribute_can_be_exported(
    cli: Cli, bank: Bank, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bank(outside / "starter").add(artifact(name="hat"))
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: outside / "starter")
    assert cli("export", "hat", "-o", "mine.safetensors").out == "mine.safetensors\n"
    assert (outside / "mine.safetensors").read_bytes() == artifact(name="hat")


def test_a_card_travels_with_its_attribute(cli: Cli, bank: Bank, outside: Path) -> None:
    entry = bank.add(artifact())
    bank.measurements.keep_card(a_card(entry.id))
    file = cli("export", "young").out.strip()
    other = Bank(outside / "other")
    assert cli("import", file, "--bank", "other").code == 0
    assert other.measurements.card(entry) == a_card(entry.id)
    assert cli("import", file, "--name", "younger", "--bank", "other").code == 0
    assert other.resolve("younger").score is None  # another name makes another artifact, which nobody has measured


def test_an_attribute_whose_card_is_not_its_own_is_refused(cli: Cli, bank: Bank, outside: Path) -> None:
    entry = bank.add(artifact())
    bank.measurements.keep_card(a_card(entry.id))
    file = cli("export", "young").out.strip()
    card = Path(file).with_suffix(".card.json")
    card.write_text(card.read_text().replace(entry.id, "f" * 64))
    assert cli("import", file, "--bank", "other").code == 5
    assert not Path("other").exists()
    card.unlink()
    assert cli("import", file, "--bank", "other").code == 0


def test_an_export_that_would_write_over_a_card_writes_nothing(cli: Cli, bank: Bank, outside: Path) -> None:
    bank.measurements.keep_card(a_card(bank.add(artifact()).id))
    (outside / "mine.card.json").write_text("precious")
    assert cli("export", "young", "-o", "mine.safetensors").code == 4
    assert {path.name for path in outside.iterdir()} == {"mine.card.json"}


def test_a_file_is_written_over_only_by_force(cli: Cli, bank: Bank, outside: Path) -> None:
    bank.add(artifact())
    (outside / "mine.safetensors").write_text("precious")
    refused = cli("export", "young", "-o", "mine.safetensors")
    assert (refused.code, "--force" in refused.err) == (4, True)
    assert (outside / "mine.safetensors").read_text() == "precious"
    assert cli("export", "young", "-o", "mine.safetensors", "--force").code == 0
    assert (outside / "mine.safetensors").read_bytes() == artifact()
    assert os.listdir(outside) == ["mine.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("young", "nobody"), 3),
        (("young", "young"), 4),
        (("young", "old", "-o", "one.safetensors"), 2),
        (("young", "-o", "no-such-folder"), 7),
        (("young", "-o", "no-such-folder/one.safetensors"), 7),
    ],
)
def test_an_export_that_cannot_be_writes_nothing(
    arguments: tuple[str, ...], code: int, cli: Cli, bank: Bank, outside: Path
) -> None:
    for name in ("young", "old"):
        bank.add(artifact(name=name))
    outcome = cli("export", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    assert os.listdir(outside) == []


def test_a_damaged_attribute_is_not_handed_on_and_does_not_keep_the_others(cli: Cli, bank: Bank, outside: Path) -> None:
    young, old = (bank.add(artifact(name=name)) for name in ("young", "old"))
    path = object_path(bank, young.id)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert cli("export", "young").code == 5
    outcome = cli("export", "young", "old")
    assert outcome.code == 11
    assert outcome.out.split() == os.listdir(outside) == [f"old-{old.id[:12]}.safetensors"]
    assert young.reference in outcome.err


HOSTILE = {
    "empty": (b"", 5),
    "pickle": (b"\x80\x04K\x01.", 5),
    "zip": (b"PK\x03\x04", 5),
    "cut off": (artifact()[:-1], 5),
    "stowaway": (artifact() + b"more", 5),
    "a name that is a path": (artifact(name="../young"), 5),
    "a name that talks to terminals": (artifact(name="\x1b[2J"), 5),
    "a record that breaks the schema": (artifact(t_x=7), 5),
    "a newer format": (artifact(format_version=2), 8),
    "not finite": (artifact()[:-4] + NAN, 10),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_and_leaves_nothing(kind: str, cli: Cli, bank: Bank, outside: Path) -> None:
    data, code = HOSTILE[kind]
    (outside / "gift.safetensors").write_bytes(data)
    for more in ((), ("--name", "gift")):
        outcome = cli("import", "gift.safetensors", *more)
        assert (outcome.code, outcome.out) == (code, "")
        assert "\x1b" not in outcome.err
    assert not bank.path.exists()


def test_a_file_larger_than_any_artifact_is_refused_before_it_is_read_in_full(
    cli: Cli, bank: Bank, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.add(artifact())
    (outside / "gift.safetensors").write_bytes(artifact())
    monkeypatch.setattr("attrbank.store.blobs.MAX_ARTIFACT", 100)
    for command in (("import", "gift.safetensors"), ("export", "young")):
        outcome = cli(*command)
        assert outcome.code == 5
        assert "larger than 100 bytes" in outcome.err


def test_what_is_no_regular_file_is_refused(cli: Cli, bank: Bank, outside: Path) -> None:
    os.mkfifo(outside / "pipe")
    assert cli("import", "nowhere.safetensors").code == 3
    assert cli("import", str(outside)).code == 7
    assert cli("import", "pipe").code == 7


def test_bytes_that_are_not_those_of_the_id_in_the_files_name_are_refused(cli: Cli, bank: Bank, outside: Path) -> None:
    good, changed = artifact(), artifact()[:-1] + b"\1"
    identity = bank.add(good).id
    for stem in (f"young-{identity[:12]}", identity):
        (outside / f"{stem}.safetensors").write_bytes(changed)
        assert cli("import", f"{stem}.safetensors").code == 5
        (outside / f"{stem}.safetensors").write_bytes(good)
        assert cli("import", f"{stem}.safetensors").code == 0


def test_a_taken_name_is_refused_unless_it_is_to_be_replaced(cli: Cli, bank: Bank, outside: Path) -> None:
    mine = bank.add(artifact())
    (outside / "theirs.safetensors").write_bytes(artifact(t_x=0.5))
    assert cli("import", "theirs.safetensors").code == 4
    assert [entry.id for entry in bank.entries()] == [mine.id]
    assert cli("import", "theirs.safetensors", "--replace").code == 0
    assert bank.resolve("young").t_x == 0.5
    assert bank.resolve(mine.reference) == bank.versions("young")[1]


def test_an_attribute_can_be_called_otherwise(cli: Cli, bank: Bank, outside: Path) -> None:
    bank.add(artifact())
    (outside / "theirs.safetensors").write_bytes(artifact(t_x=0.5))
    for _ in range(2):
        assert cli("import", "theirs.safetensors", "--name", "younger").code == 0
    (younger,) = bank.versions("younger")
    assert (bank.record(younger).name, younger.t_x) == ("younger", 0.5)
    assert cli("import", "theirs.safetensors", "--name", "../younger").code == 4
    assert cli("import", "theirs.safetensors", "theirs.safetensors", "--name", "b").code == 2


def test_what_was_renamed_and_removed_here_comes_back_under_a_name_that_is_free(
    bank: Bank, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "count", lambda start: range(start, 9))  # it tried the taken name for ever
    file = outside / "theirs.safetensors"
    file.write_bytes(artifact())
    entry = bank.add(artifact())
    bank.annotations.tag(entry, ["face"])
    bank.annotations.rename(entry, "youth")
    bank.remove("youth")
    for name in ("youth", "youth-2"):
        bank.add(artifact(name))
    back = transfer.import_attribute(bank, file, conflict="rename")
    assert back is not None
    assert (back.id, back.name, back.tags) == (entry.id, "youth-3", ("face",))
    bank.reindex()
    assert bank.resolve(f"young@{entry.id[:12]}").name == bank.resolve(f"youth@{entry.id[:12]}").name == "youth-3"


def test_one_bad_file_does_not_keep_the_others_out(cli: Cli, bank: Bank, outside: Path) -> None:
    (outside / "bad.safetensors").write_bytes(b"PK")
    (outside / "good.safetensors").write_bytes(artifact())
    outcome = cli("import", "bad.safetensors", "good.safetensors", "--json")
    assert outcome.code == 11
    assert [facts["name"] for facts in json.loads(outcome.out)] == ["young"]
    assert "bad.safetensors: " in outcome.err


UNUSABLE = {
    "no tensors of its method": {"core": (2, 2)},
    "a tensor of another rank": {"mean.u": (4, 16, 2), "mean.core": (4, 1), "mean.vh": (4, 1, 16)},
    "another latent": {"mean.u": (4, 8, 1), "mean.core": (4, 1), "mean.vh": (4, 1, 8)},
    "too few dimensions": {"mean.u": (64,), "mean.core": (4,), "mean.vh": (64,)},
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_its_method_cannot_use_is_refused(kind: str, cli: Cli, bank: Bank, outside: Path) -> None:
    (outside / "gift.safetensors").write_bytes(artifact(shapes=UNUSABLE[kind]))
    assert cli("import", "gift.safetensors").code == 5
    assert bank.entries() == ()


def test_what_a_method_that_is_not_installed_would_use_is_taken(cli: Cli, outside: Path) -> None:
    (outside / "gift.safetensors").write_bytes(artifact(method="loco", units={}, core=None, shapes={"core": (2, 2)}))
    assert cli("import", "gift.safetensors").code == 0


def test_a_flipped_bit_is_found_whatever_the_file_is_called(cli: Cli, bank: Bank, outside: Path) -> None:
    """An artifact holds a digest of itself; those from before are known by the ids in their files' names."""
    bank.add(seal(artifact()))
    assert cli("export", "young", "-o", "mine.safetensors").code == 0
    data = (outside / "mine.safetensors").read_bytes()
    assert cli("import", "mine.safetensors", "--bank", "other").code == 0
    for place in range(0, len(data), 7):  # header, record, digest and tensors
        flipped = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        with pytest.raises(AttrbankError):
            check_seal(flipped)
    (outside / "mine.safetensors").write_bytes(data[:-1] + b"\1")
    assert cli("import", "mine.safetensors", "--bank", "other").code == 5


@pytest.mark.parametrize("damage", [b"GIF89a", b"\xff\xd8\xff" + bytes(2**17)], ids=["no JPEG", "too large"])
def test_a_damaged_preview_stays_behind_with_one_warning_and_the_attribute_travels(
    damage: bytes, cli: Cli, bank: Bank, outside: Path
) -> None:
    entry = bank.add(artifact())
    preview = bank.previews.keep(entry, b"\xff\xd8\xff small")
    for folder in ("sound", "alone"):
        (outside / folder).mkdir()
    file = cli("export", "young", "-o", "sound").out.strip()
    preview.chmod(0o644)
    for broken in (preview, Path(file).with_suffix(".preview.jpg")):
        broken.write_bytes(damage)
    for command in (
        ("export", "young", "-o", "alone"),
        ("export", "young", "--bundle", "-o", "pack"),
        ("push", "shelf", "young"),
        ("gallery", "-o", "page.html"),
        ("import", file, "--bank", "other"),
    ):
        done = cli(*command)
        assert (done.code, done.err.count("warning:"), "error:" in done.err) == (0, 1, False), (command, done.err)
    assert [path.parent.name for path in outside.glob("[aps]*/*.preview.jpg")] == ["sound"]
    other = Bank(outside / "other")
    assert other.resolve("young").id == entry.id
    assert other.previews.path(entry) is None
    assert cli("import", "pack", "--bank", "third").code == 0


def test_a_preview_that_cannot_be_read_is_no_damage_and_nothing_is_left_out(
    cli: Cli, bank: Bank, outside: Path
) -> None:
    bank.add(artifact())
    file = cli("export", "young").out.strip()
    Path(file).with_suffix(".preview.jpg").mkdir()
    assert cli("import", file, "--bank", "other").code == 7
    assert not Path("other").exists()
