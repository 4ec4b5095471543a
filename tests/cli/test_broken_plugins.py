"""A broken plugin costs one warning, and only where plugins are needed at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from attrbank.plugin.testing import fake_attribute, tiny_backbone, tmp_bank
from attrbank.plugins import leash
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from tests.cli.conftest import Cli
from tests.helpers.fake_distributions import BROKEN, FAILS_AT_ITS_WORK, MISBEHAVED, OFFERS_EULER, install

__all__ = ["fake_attribute", "tiny_backbone", "tmp_bank"]

AT_LOADING = BROKEN | MISBEHAVED


@pytest.fixture
def bank(tmp_bank: Bank, fake_attribute: Entry) -> Bank:
    """The attribute ``old``, learned on a model like ``tiny_pipeline``."""
    return tmp_bank


def apply(cli: Cli, model: Path, folder: Path, *more: str):
    out = folder / "out.png"
    return cli("apply", "old", "--backbone", str(model), "--steps", "5", "--guidance-scale", "1", "-o", str(out), *more)


@pytest.mark.parametrize("kind", AT_LOADING)
def test_a_broken_plugin_stops_no_command(
    kind: str, cli: Cli, on_path: Path, tiny_pipeline: Path, tmp_path: Path
) -> None:
    install(on_path, "attrbank-alpha", OFFERS_EULER)
    install(on_path, "attrbank-broken", AT_LOADING[kind])
    for command in (("list",), ("show", "old"), ("verify",), ("export", "old", "-o", str(tmp_path))):
        assert (cli(*command).code, load_plugins.cache_info().currsize) == (0, 0)
    for outcome in (cli("samplers"), fresh(apply, cli, tiny_pipeline, tmp_path)):
        assert outcome.code == 0, outcome.err
        warnings = [line for line in outcome.err.splitlines() if line.startswith("warning:")]
        assert len(warnings) == 1, outcome.err
        assert "attrbank-broken" in warnings[0]
        assert warnings[0].endswith("pip uninstall attrbank-broken")
    assert (tmp_path / "out.png").exists()
    assert cli("rm", "old").code == 0


def test_a_plugin_that_hangs_while_it_is_loaded_is_left_out(
    cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leash, "LOADING_SECONDS", 0.3)
    install(on_path, "attrbank-broken", "while True: pass")
    outcome = cli("samplers")
    assert (outcome.code, "ddim" in outcome.out) == (0, True)
    assert "'broken' of attrbank-broken is left out (it takes longer than 0.3 s to load)" in outcome.err
    assert "ATTRBANK_PLUGINS=none" in outcome.err


def test_whoever_interrupts_a_plugin_that_hangs_is_told_which(
    cli: Cli, on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(on_path, "attrbank-broken", "raise KeyboardInterrupt")
    outcome = cli("samplers")
    assert outcome.code == 130
    assert "attrbank-broken" in outcome.err
    assert "ATTRBANK_PLUGINS=none" in outcome.err


def test_a_plugin_that_fails_at_its_work_is_named(cli: Cli, on_path: Path, tiny_pipeline: Path, tmp_path: Path) -> None:
    install(on_path, "attrbank-broken", FAILS_AT_ITS_WORK)
    outcome = apply(cli, tiny_pipeline, tmp_path, "--sampler", "broken")
    assert (outcome.code, outcome.out) == (9, "")
    assert "The plugin 'broken' of attrbank-broken failed: RuntimeError" in outcome.err
    assert "pip uninstall attrbank-broken" in outcome.err
    assert not (tmp_path / "out.png").exists()


def test_a_mistake_of_our_own_is_not_put_on_a_plugin(
    cli: Cli, on_path: Path, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    install(on_path, "attrbank-alpha", OFFERS_EULER.replace("attrbank_euler:Euler", "attrbank.samplers.ddim:DDIM"))
    monkeypatch.setattr("attrbank.pictures.write.write", fail)
    outcome = apply(cli, tiny_pipeline, tmp_path)
    assert outcome.code == 1
    assert "This is a bug" in outcome.err


def test_strict_mode_stops_with_nine(cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(on_path, "attrbank-broken", BROKEN["raises"])
    monkeypatch.setenv("ATTRBANK_STRICT_PLUGINS", "1")
    outcome = cli("samplers")
    assert (outcome.code, outcome.out) == (9, "")
    assert "attrbank-broken" in outcome.err


def fresh(command, *arguments):
    """Run it as a process of its own would: plugins are loaded again."""
    load_plugins.cache_clear()
    sys.modules.pop("attrbank_broken", None)
    return command(*arguments)
