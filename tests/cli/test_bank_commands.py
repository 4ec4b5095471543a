"""What the commands on a bank print, and what they leave in it."""

from __future__ import annotations

import base64
import json
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from rich.cells import cell_len

from attrbank.plugins.built_ins import COMMANDS
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from tests.cli.conftest import Cli, artifact
from tests.helpers.artifacts import usable
from tests.helpers.measured import a_card

PROMISED = {
    *("name", "id", "origin", "method", "vectors", "core", "solver", "source", "target", "pairs", "t_x", "delta_tau"),
    *("seed", "seeds", "k", "rank", "unit", "backbone", "sampler", "steps", "guidance_scale", "size_bytes", "created"),
    *("score", "usable_low", "usable_high"),
}


def test_list_as_json_has_every_promised_field(cli: Cli, bank: Bank) -> None:
    bank.add(artifact())
    (young,) = json.loads(cli("list", "--json").out)
    assert young.keys() >= PROMISED
    assert (young["name"], young["seeds"], young["unit"], young["origin"]) == ("young", "0-63", 2.0, "user")


def test_an_empty_bank_is_an_empty_array_and_says_so_to_people(cli: Cli) -> None:
    assert json.loads(cli("list", "--json").out) == []
    assert cli("list").out == ""
    assert "learn" in cli("list").err


def test_quiet_gives_names_alone(cli: Cli, bank: Bank) -> None:
    for name in ("young", "old"):
        bank.add(artifact(name=name))
    assert cli("list", "-q").out == "old\nyoung\n"


def test_filter_and_sort_choose_and_order(cli: Cli, bank: Bank) -> None:
    for name, t_x in (("a", 0.3), ("b", 0.5), ("c", 0.7)):
        bank.add(artifact(name=name, t_x=t_x))
    assert cli("list", "-q", "--filter", "t_x>0.4", "--sort", "t_x:desc").out == "c\nb\n"


def test_a_pipe_gets_every_row_in_full(cli: Cli, bank: Bank) -> None:
    prompt = "a very long prompt " * 20
    bank.add(artifact(pairs=[{"source": prompt.strip(), "target": "short"}]))
    header, row = cli("list").out.splitlines()
    assert header.startswith("NAME")
    assert prompt.strip() in row


def test_a_terminal_gets_fifty_rows_and_the_number_of_the_rest(
    cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(53):
        bank.add(artifact(name=f"a{number}"))
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    outcome = cli("list")
    assert len(outcome.out.splitlines()) == 1 + 2 * 50
    assert outcome.err.startswith("3 more.")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_terminal_gets_two_lines_an_attribute_that_fit_and_no_name_is_cut(
    width: int, cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"name": "/models/" + "x" * 100, "fingerprint": "0" * 64, "latent_shape": [4, 8, 8]}
    backbone = model | {"prediction_type": "epsilon"}
    pairs = [{"source": "ein 老人 " * 40, "target": "a young person"}]
    names = ["a" * 30, "young"]
    for name in names:
        bank.add(artifact(name=name, pairs=pairs, backbone=backbone))
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    header, *listed = cli("list").out.splitlines()
    assert header.split() == ["NAME", "ID", "SCORE", "RANGE", "BACKBONE"]
    assert [line.split()[0] for line in listed[::2]] == names
    assert all(line.startswith("  ein 老人") for line in listed[1::2])
    fits = listed if width > 60 else listed[1::2]  # a row that cannot fit goes on in the terminal's next line
    assert max(map(cell_len, fits)) <= width


def test_wide_shows_in_a_terminal_what_a_pipe_gets(cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.add(artifact(pairs=[{"source": "a long prompt " * 20, "target": "short"}]))
    piped = cli("list").out
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    assert cli("list", "--wide").out == piped != cli("list").out


def test_no_table_in_a_terminal_cuts_names(cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "n" * 64
    bank.add(artifact(name=name))
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    assert name in cli("search", "nnn").out
    cli("rm", name)
    assert name in cli("list", "--trash").out


def test_show_says_first_what_it_is_what_it_does_how_well_and_in_which_range(cli: Cli, bank: Bank) -> None:
    entry = bank.add(artifact())
    first = [line.split(maxsplit=1) for line in cli("show", "young").out.splitlines()[:4]]
    assert [word for word, _ in first] == ["attribute", "does", "comes", "range"]
    assert first[0][1].startswith(entry.reference)
    assert first[1][1] == f"{entry.source} → {entry.target}"
    assert first[2][1].startswith("not measured")
    bank.measurements.keep_card(a_card(entry.id))
    shown = cli("show", "young").out
    assert "in 0.90 of 40 pictures that lacked it, at strength 1" in shown
    assert shown.count("range") == 1
    assert " 0.4…1.3\n" in shown


def test_hostile_prompts_are_shown_and_not_obeyed(cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "[red]x[/] [link=http://evil]\x1b[2J\x1b]0;owned\x07\u202eevil\r\nsecond line\x9b31m"
    bank.add(artifact(pairs=[{"source": hostile, "target": "[/nonsense]"}]))
    for arguments in (("list",), ("show", "young")):
        out = cli(*arguments).out
        assert "[red]x[/] [link=http://evil]" in out
        assert all(character.isprintable() or character == "\n" for character in out)
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "400")
    fitted = cli("list").out
    assert "[red]x[/] [link=http://evil]" in fitted
    assert "[/nonsense]" in fitted
    assert "\x07" not in fitted
    assert json.loads(cli("list", "--json").out)[0]["source"] == hostile


def test_show_tells_the_record_and_the_other_versions(cli: Cli, bank: Bank) -> None:
    first = bank.add(artifact())
    second = bank.add(artifact(t_x=0.5), replace=True)
    shown = cli("show", "young")
    assert second.id in shown.out
    assert first.reference in shown.out
    document = json.loads(cli("show", first.reference, "--json").out)
    assert document["id"] == first.id
    assert document["record"]["resolved"]["timestep_x"] == 400


def test_list_has_the_score_and_the_range_of_strengths(cli: Cli, bank: Bank) -> None:
    for name, score in (("a", 0.5), ("b", 0.934), ("c", None)):
        bank.measurements.keep_card(a_card(bank.add(artifact(name=name)).id, score))
    header, *rows = [line.split() for line in cli("list", "--sort", "score:desc").out.splitlines()]
    at = {column: header.index(column) for column in ("NAME", "SCORE", "RANGE")}
    assert [tuple(row[place] for place in at.values()) for row in rows] == [
        ("b", "0.93", "0.4…1.3"),
        ("a", "0.50", "0.4…1.3"),
        ("c", "-", "-"),
    ]


def test_show_tells_what_was_measured_and_on_what(cli: Cli, bank: Bank) -> None:
    card = a_card(bank.add(artifact()).id)
    assert json.loads(cli("show", "young", "--json").out)["card"] is None
    bank.measurements.keep_card(card)
    shown = cli("show", "young").out
    for part in ("10000-10063", "40 pictures", card.protocol.hash, "success 0.9 [0.85, 0.95]", "strength 1.10"):
        assert part in shown
    assert json.loads(cli("show", "young", "--json").out)["card"] == card.model_dump(mode="json")


def test_a_hostile_card_is_shown_and_not_obeyed(cli: Cli, bank: Bank) -> None:
    card = a_card(bank.add(artifact()).id)
    protocol = card.protocol.model_copy(update={"prompt": "[red]x[/]\x1b[2J\r\nsecond\u202e line", "judge": "\x07"})
    bank.measurements.keep_card(card.model_copy(update={"protocol": protocol}))
    out = cli("show", "young").out
    assert "[red]x[/][2J  second line" in out
    assert all(character.isprintable() or character == "\n" for character in out)


def test_rm_and_restore_report_as_json(cli: Cli, bank: Bank) -> None:
    entry = bank.add(artifact())
    for command in ("rm", "restore"):
        facts = json.loads(cli(command, "young", "--json").out)
        assert (facts["id"], facts["name"]) == (entry.id, "young")


@pytest.mark.parametrize("command", [*(command.name for command in COMMANDS), "plugins new", "plugins check"])
def test_every_command_reports_as_json_on_any_bank(command: str, cli: Cli) -> None:
    offered = cli(*command.split(), "--help").out
    assert "--json " in offered
    assert "--bank " in offered


def test_what_rm_removes_restore_brings_back(cli: Cli, bank: Bank) -> None:
    entry = bank.add(artifact())
    assert cli("rm", "young").out == f"{entry.reference}\n"
    assert cli("list", "-q").out == ""
    assert cli("restore", "young").code == 0
    assert cli("list", "-q").out == "young\n"


def test_verify_and_reindex_are_silent_about_a_sound_bank(cli: Cli, bank: Bank) -> None:
    bank.add(artifact())
    assert cli("verify").code == 0
    assert [finding["state"] for finding in json.loads(cli("verify", "--json").out)] == ["ok"]
    assert len(json.loads(cli("reindex", "--json").out)["kept"]) == 1


def test_verify_names_what_is_damaged_and_exits_with_five(cli: Cli, bank: Bank) -> None:
    entry = bank.add(artifact())
    (path,) = bank.path.glob("objects/*/*.safetensors")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    outcome = cli("verify")
    assert outcome.code == 5
    assert entry.id in outcome.out
    assert cli("reindex").code == 11


@pytest.mark.parametrize("command", ["list", "plugins", "samplers", "backbones", "methods", "verify", "reindex"])
def test_bank_and_json_are_accepted_after_every_command(command: str, cli: Cli, bank: Bank) -> None:
    outcome = cli(command, "--json", "--bank", str(bank.path))
    assert outcome.code == 0
    json.loads(outcome.out)


def test_listings_name_the_built_ins(cli: Cli) -> None:
    assert [sampler["name"] for sampler in json.loads(cli("samplers", "--json").out)][:2] == ["ddim", "ddpm"]
    assert "portraits" in cli("backbones").out
    assert "avi" in cli("methods").out
    assert [metric["name"] for metric in json.loads(cli("metrics", "--json").out)][:2] == ["change", "psnr"]
    assert json.loads(cli("plugins", "--all", "--json").out)[0]["loaded"] is True


def test_verify_repairs_and_tries(cli: Cli, bank: Bank) -> None:
    entry = bank.add(usable())
    (path,) = bank.path.glob("objects/*/*.safetensors")
    (bank.path / "trash").mkdir()
    (bank.path / "trash" / path.name).write_bytes(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(b"junk")
    assert "--repair" in cli("verify").err
    outcome = cli("verify", "--repair", "--deep")
    assert (outcome.code, outcome.out) == (0, "")
    assert "mended: young: taken from the trash" in outcome.err
    unusable = bank.add(usable("old", shapes={"core": (2, 2)}))
    assert cli("verify").code == 0
    outcome = cli("verify", "--deep", "--json")
    assert outcome.code == 5
    assert {found["item"]: found["state"] for found in json.loads(outcome.out)} == {
        entry.id: "ok",
        unusable.id: "unusable",
    }


def test_the_trash_is_listed_with_its_age_and_pruned_when_it_is_old(cli: Cli, bank: Bank) -> None:
    bank.add(artifact())
    assert cli("list", "--trash").out == ""
    cli("rm", "young")
    assert "0 min ago" in cli("list", "--trash").out
    assert json.loads(cli("list", "--trash", "--json").out)[0]["age_s"] < 100
    assert cli("list", "--trash", "--tag", "x").code == 2
    assert (cli("prune").out, cli("prune", "--json").out) == ("", "[]\n")
    assert "1 would be deleted" in cli("prune", "--older-than", "0", "--dry-run").err
    assert [gone["name"] for gone in json.loads(cli("prune", "--older-than", "0", "--json").out)] == ["young"]
    assert cli("restore", "young").code == 3


def test_a_bank_is_kept_in_one_file_and_comes_back(cli: Cli, bank: Bank, tmp_path: Path) -> None:
    entry = bank.add(artifact())
    file = str(tmp_path / "bank.tar")
    assert cli("backup", file).out == f"{file}\n"
    assert cli("backup", file).code == 4
    other = str(tmp_path / "other")
    assert json.loads(cli("backup", file, "--restore", "--bank", other, "--json").out)["attributes"] == 1
    assert Bank(other).resolve("young").id == entry.id
    assert cli("backup", file, "--restore").code == 4
    assert cli("backup", str(tmp_path / "no"), "--restore").code == 3
    (path,) = bank.path.glob("objects/*/*.safetensors")
    path.unlink()
    assert cli("backup", file, "--force").code == 11


def with_preview(bank: Bank) -> tuple[Entry, bytes]:
    """An attribute and its preview."""
    entry, buffer = bank.add(artifact()), BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    bank.previews.keep(entry, buffer.getvalue())
    return entry, buffer.getvalue()


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests are run in."""
    for name in ("TERM_PROGRAM", "LC_TERMINAL", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("able", [True, False])
def test_a_preview_is_shown_where_the_terminal_can_and_is_a_path_anyhow(
    able: bool, cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library that asks the terminal is an extra, and stands in for itself here."""
    shown = ModuleType("textual_image.renderable")

    class Sixel:
        def __init__(self, data: BytesIO, width: int, height: str) -> None:
            assert data.read(2) == b"\xff\xd8"

        def __str__(self) -> str:
            return "(a picture)"

    shown.SixelImage, shown.TGPImage = Sixel, object  # type: ignore[attr-defined]
    shown.Image = Sixel if able else str  # type: ignore[attr-defined]
    package = ModuleType("textual_image")
    package.renderable = shown  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "textual_image", package)
    monkeypatch.setitem(sys.modules, "textual_image.renderable", shown)
    entry, _ = with_preview(bank)
    assert "(a picture)" not in cli("show", "young").out
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    out = cli("show", "young").out
    assert ("(a picture)" in out) is able
    assert f"{entry.id}.jpg" in out


@pytest.mark.parametrize(("said", "name"), [("TERM_PROGRAM", "iTerm.app"), ("LC_TERMINAL", "iTerm2")])
def test_a_preview_is_shown_by_iterms_protocol_without_any_extra(
    said: str, name: str, cli: Cli, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data = with_preview(bank)
    monkeypatch.setitem(sys.modules, "textual_image", None)
    monkeypatch.setenv(said, name)
    assert "\x1b" not in cli("show", "young").out  # a pipe
    monkeypatch.setattr("attrbank.cli.terminal.in_terminal", lambda: True)
    sequence, _, rest = cli("show", "young").out.partition("\a")
    head, _, sent = sequence.partition(":")
    assert head.startswith(f"\x1b]1337;File=inline=1;size={len(data)};width=")
    assert base64.b64decode(sent, validate=True) == data
    assert "\x1b" not in rest
    monkeypatch.setenv("TMUX", "/tmp/tmux")
    assert "\x1b" not in cli("show", "young").out
