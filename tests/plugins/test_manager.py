"""Plugins load one by one, and none can harm the others."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from attrbank.diffusion.placement import Placement
from attrbank.errors import InvalidValueError, NotFoundError, PluginError
from attrbank.plugins.discovery import KINDS, Plugin
from attrbank.plugins.guard import blamed
from attrbank.plugins.hookspecs import Spec
from attrbank.plugins.manager import PluginManager, load_plugins
from attrbank.schema.stored import AttributeRecord
from tests.helpers.artifacts import RECORD
from tests.helpers.fake_distributions import BROKEN, OFFERS_EULER, install

BACKBONES = """
from attrbank.plugins.hookspecs import Spec, hookimpl

@hookimpl
def register_backbones(register):
    register(Spec("drawn", "Answers so.", target="attrbank_backbones:drawn", describe="attrbank_backbones:described"))
    target = "attrbank_backbones:latent_diffusion"
    register(Spec("latent_diffusion", "Answers so.", ("device",), target=target))

def described(source):
    return ("described", source)

def drawn(source):
    return ("drawn", source)

def latent_diffusion(source, *placement):
    return ("latent_diffusion", source, *placement)
"""


def sampler_names(manager: PluginManager) -> list[str]:
    return [spec.name for spec, _ in manager.registrations("sampler")]


def test_built_ins_come_through_the_same_hooks(on_path: Path) -> None:
    manager = load_plugins()
    assert manager.plugins[0].distribution == "attrbank"
    assert sampler_names(manager) == ["ddim", "ddpm"]
    assert [spec.name for spec, _ in manager.registrations("backbone")] == ["portraits", "latent_diffusion"]
    assert [spec.name for spec, _ in manager.registrations("method")] == ["avi", "text"]
    assert [spec.name for spec, _ in manager.registrations("metric")] == ["change", "psnr", "oracle-perceptual"]
    assert [spec.name for spec, _ in manager.registrations("judge")] == ["oracle", "clip", "self"]


def test_every_built_in_is_where_its_spec_says() -> None:
    found = [registration for kind in KINDS for registration in load_plugins().registrations(kind)]
    for spec in (spec for spec, plugin in found if plugin.distribution == "attrbank"):
        module, _, name = spec.target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_an_installed_plugin_offers_its_sampler(on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(on_path, "attrbank-euler", OFFERS_EULER)
    manager = load_plugins()
    assert manager.sampler("euler").name == "euler"
    assert manager.plugins[-1].registered[0][1].name == "euler"
    assert capsys.readouterr().err == ""


def test_loading_a_plugin_does_not_import_what_it_offers(on_path: Path) -> None:
    code = OFFERS_EULER.replace("attrbank_euler:Euler", "attrbank_heavy:Euler")
    install(on_path, "attrbank-euler", code)
    install(on_path, "attrbank-heavy", "raise AssertionError('imported')", entry_point="attrbank_euler")
    (on_path / "attrbank_heavy-1.0.dist-info" / "entry_points.txt").unlink()
    assert "euler" in sampler_names(load_plugins())
    assert "attrbank_heavy" not in sys.modules


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_costs_one_warning_and_nothing_else(
    code: str, on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(on_path, "attrbank-alpha", OFFERS_EULER)
    install(on_path, "attrbank-bad", code)
    manager = load_plugins()
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "attrbank-bad" in warning
    assert "pip uninstall attrbank-bad" in warning
    assert sampler_names(manager) == ["ddim", "ddpm", "euler"]
    assert [plugin.error is None for plugin in manager.plugins] == [True, True, False]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("raises", "ValueError: no luck"),
        ("exits", "SystemExit"),
        ("needs-missing", "a_package_that_nobody_has"),
        ("unspeakable", "Unspeakable: its message fails with AttributeError"),
        ("wrong-hook-name", "register_sampler"),
        ("not-a-spec", "'euler', which is not a Spec"),
        ("same-name-twice", "the sampler 'half' twice"),
        ("bad-name", "'../ddim' is not a name"),
        ("capabilities-are-no-tuple", "not a tuple"),
    ],
)
def test_the_warning_says_why(kind: str, why: str, on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(on_path, "attrbank-bad", BROKEN[kind])
    load_plugins()
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["sampler", "backbone", "method", "metric", "judge", "command"])
def test_a_taken_name_is_refused_with_all_of_its_plugin(
    kind: str, on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = {
        "sampler": "ddim",
        "backbone": "portraits",
        "method": "avi",
        "metric": "psnr",
        "judge": "oracle",
        "command": "list",
    }[kind]
    install(
        on_path,
        "attrbank-thief",
        f"""
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            register(Spec("innocent", "Goes down with the other.", target="x:y"))
            {f'register(Spec("{taken}", "Mine.", target="x:y"))' if kind == "sampler" else ""}

        @hookimpl
        def register_{kind if kind != "sampler" else "metric"}s(register):
            {f'register(Spec("{taken}", "Mine.", target="x:y"))' if kind != "sampler" else "pass"}
        """,
    )
    manager = load_plugins()
    assert f"{taken!r} is taken by attrbank" in capsys.readouterr().err
    assert sampler_names(manager) == ["ddim", "ddpm"]


def test_the_first_of_two_plugins_keeps_the_name_wherever_they_are(
    on_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(on_path, "attrbank-euler", OFFERS_EULER)
    monkeypatch.syspath_prepend(install(on_path / "earlier", "attrbank-later", OFFERS_EULER))
    assert load_plugins().registrations("sampler")[-1].plugin.distribution == "attrbank-euler"
    assert "taken by attrbank-euler" in capsys.readouterr().err


def test_a_package_that_is_installed_twice_is_one_plugin(
    on_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a wheel and as an editable checkout, say, whose metadata may spell the name otherwise."""
    install(on_path, "attrbank-euler", OFFERS_EULER)
    again = install(on_path / "again", "attrbank-euler", OFFERS_EULER)
    metadata = again / "attrbank_euler-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("attrbank-euler", "Attrbank_Euler"))
    monkeypatch.syspath_prepend(again)
    assert len(load_plugins().plugins) == 2
    assert capsys.readouterr().err == ""


def test_what_plugins_say_of_themselves_is_shown_and_not_obeyed(
    on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(on_path, "attrbank-bad", "raise ValueError('\\x1b[2J\\nsecond line')")
    metadata = on_path / "attrbank_bad-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("attrbank-bad", "attrbank-\x1b[2Jbad"))
    load_plugins()
    warning = capsys.readouterr().err
    assert "attrbank-[2Jbad is left out (ValueError: [2J second line)" in warning
    assert "\x1b" not in warning


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (None, {"attrbank", "euler", "bad"}),
        ("none", set()),
        ("", set()),
        ("attrbank", {"attrbank"}),
        ("attrbank,euler", {"attrbank", "euler"}),
        ("attrbank-bad, x", {"bad"}),
    ],
)
def test_the_environment_selects_plugins(
    selection: str | None,
    expected: set[str],
    on_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(on_path, "attrbank-euler", OFFERS_EULER)
    install(on_path, "attrbank-bad", "raise ValueError")
    if selection is not None:
        monkeypatch.setenv("ATTRBANK_PLUGINS", selection)
    assert {plugin.name for plugin in load_plugins().plugins} == expected
    unknown = {line for line in capsys.readouterr().err.splitlines() if "not installed" in line}
    assert unknown == (
        {"warning: ATTRBANK_PLUGINS names 'x', which is not installed"} if selection == "attrbank-bad, x" else set()
    )


def test_strict_mode_raises_what_the_plugin_raised(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(on_path, "attrbank-bad", "raise SystemExit(0)")
    monkeypatch.setenv("ATTRBANK_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="attrbank-bad") as caught:
        load_plugins()
    assert isinstance(caught.value.__cause__, SystemExit)


def test_an_interrupt_is_not_taken_for_a_broken_plugin(on_path: Path) -> None:
    install(on_path, "attrbank-slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins()


def test_a_missing_built_in_is_explained_by_the_selection(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRBANK_PLUGINS", "none")
    with pytest.raises(NotFoundError) as caught:
        load_plugins().sampler("ddim")
    assert "ATTRBANK_PLUGINS=none" in str(caught.value.hint)


def test_a_plugin_that_talks_or_dawdles_is_named_and_kept(
    on_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attrbank.plugins.guard.SLOW_SECONDS", 0.05)
    install(on_path, "attrbank-euler", f"import time\ntime.sleep(0.06)\nprint('hello ' * 1000)\n{OFFERS_EULER}")
    manager = load_plugins()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "attrbank-euler took 0.1 s to load and printed 'hello hello " in captured.err
    assert len(captured.err) < 300
    assert "euler" in sampler_names(manager)


@pytest.mark.parametrize(
    "care", ["sys.stdout.reconfigure(encoding='utf-8')", "sys.stdout = io.TextIOWrapper(sys.stdout.buffer)"]
)
def test_a_plugin_may_prepare_stdout_for_itself(care: str, on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(on_path, "attrbank-euler", f"import io, sys\n{care}\n{OFFERS_EULER}")
    assert "euler" in sampler_names(load_plugins())
    assert capsys.readouterr() == ("", "")


def test_what_a_plugins_object_prints_does_not_reach_stdout(on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (on_path / "attrbank_late.py").write_text("print('imported')\ndef make(): print('made')\n")
    install(on_path, "attrbank-euler", OFFERS_EULER.replace("attrbank_euler:Euler", "attrbank_late:make"))
    load_plugins().sampler("euler")
    assert capsys.readouterr() == ("", "imported\nmade\n")


def test_broken_metadata_of_a_stranger_is_skipped(on_path: Path) -> None:
    install(on_path, "attrbank-euler", OFFERS_EULER)
    stranger = on_path / "stranger-1.0.dist-info"
    stranger.mkdir()
    (stranger / "METADATA").write_text("")
    (stranger / "entry_points.txt").write_text("[attrbank]\nno equals sign\n")
    assert "euler" in sampler_names(load_plugins())


def test_an_unknown_name_is_answered_with_the_nearest(on_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        load_plugins().sampler("dim")
    assert "ddim" in str(caught.value.hint)


@pytest.mark.parametrize(
    "target", ["nowhere:thing", "attrbank.errors:Nothing", "attrbank_late:fails", "attrbank_late:leaves"]
)
def test_an_object_that_cannot_be_made_blames_its_plugin(target: str, on_path: Path) -> None:
    (on_path / "attrbank_late.py").write_text("import sys\ndef fails(): return 1 / 0\ndef leaves(): sys.exit(0)\n")
    install(on_path, "attrbank-euler", OFFERS_EULER.replace("attrbank_euler:Euler", target))
    with pytest.raises(PluginError, match="attrbank-euler") as caught:
        load_plugins().sampler("euler")
    assert "pip uninstall attrbank-euler" in str(caught.value.hint)


def test_an_interrupt_while_an_object_is_made_gets_through(on_path: Path) -> None:
    (on_path / "attrbank_late.py").write_text("def waits(): raise KeyboardInterrupt\n")
    install(on_path, "attrbank-euler", OFFERS_EULER.replace("attrbank_euler:Euler", "attrbank_late:waits"))
    with pytest.raises(KeyboardInterrupt):
        load_plugins().sampler("euler")


def test_an_object_of_our_own_that_cannot_be_made_does_not_call_for_uninstalling_us(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("attrbank.samplers.ddim.DDIM")
    with pytest.raises(PluginError) as caught:
        load_plugins().sampler("ddim")
    assert caught.value.hint == "Install attrbank again."


def test_the_innermost_of_several_plugins_is_blamed(on_path: Path) -> None:
    (on_path / "attrbank_inner.py").write_text("def fail(): raise ValueError('no luck')\n")
    (on_path / "attrbank_outer.py").write_text("import attrbank_inner\ndef call(): attrbank_inner.fail()\n")
    plugins = [Plugin(name, f"attrbank_{name}", f"attrbank-{name}", "1.0") for name in ("inner", "outer")]
    with pytest.raises(ValueError, match="no luck") as caught:
        importlib.import_module("attrbank_outer").call()
    blame = blamed(caught.value, plugins)
    assert blame is not None
    assert "attrbank-inner failed: ValueError: no luck" in blame.message


@pytest.fixture
def backbones(on_path: Path) -> PluginManager:
    """A manager that knows two backbones and nothing else; each answers with its name and what it was given."""
    (on_path / "attrbank_backbones.py").write_text(BACKBONES)
    manager = PluginManager()
    manager.load(Plugin("backbones", "attrbank_backbones", "attrbank-backbones", "1.0"))
    return manager


@pytest.mark.parametrize(
    ("source", "expected"),
    [("drawn", "drawn"), ("./a-folder", "latent_diffusion"), ("someone/a-model", "latent_diffusion")],
)
def test_a_backbone_is_a_name_or_else_a_folder_or_hub_id(source: str, expected: str, backbones: PluginManager) -> None:
    assert backbones.backbone(source) == (expected, source)


def test_a_backbone_is_described_by_what_its_spec_names_or_else_by_itself(backbones: PluginManager) -> None:
    assert backbones.describe("drawn") == ("described", "drawn")
    assert backbones.describe("./a-folder") == ("latent_diffusion", "./a-folder")


def test_a_backbone_that_cannot_be_told_where_to_run_says_so(backbones: PluginManager) -> None:
    placement = Placement(device="cpu")
    assert backbones.backbone("./a-folder", placement) == ("latent_diffusion", "./a-folder", placement)
    with pytest.raises(InvalidValueError, match="drawn"):
        backbones.backbone("drawn", placement)


def test_a_folder_without_a_slash_is_a_backbone(
    backbones: PluginManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert backbones.backbone("mine") == ("latent_diffusion", "mine")


def test_a_word_that_is_no_backbone_is_not_found(backbones: PluginManager) -> None:
    with pytest.raises(NotFoundError):
        backbones.backbone("drwan")


@pytest.mark.parametrize(("name", "target"), [("Euler", "a:b"), ("euler", "a.b"), ("euler", "a:b()"), ("", "a:b")])
def test_a_malformed_spec_cannot_be_made(name: str, target: str) -> None:
    with pytest.raises(InvalidValueError):
        Spec(name, "A sampler.", target=target)


HOSTILE = "x --index-url http://evil.example y"


@pytest.mark.parametrize("name", [HOSTILE, "x; rm -rf ~", "-r evil.txt", "$(x)"])
def test_what_a_distribution_calls_itself_becomes_part_of_no_command(name: str) -> None:
    """Metadata is a file like any other."""
    plugin = Plugin("a", "a", name, "1.0", "/somewhere")
    assert plugin.requirement is None
    assert "pip" not in plugin.remedy
    assert name not in plugin.remedy


@pytest.mark.parametrize(("version", "line"), [("1.0", "fine==1.0"), (HOSTILE, "fine"), ("", "fine")])
def test_a_requirement_has_a_version_if_that_is_one(version: str, line: str) -> None:
    assert Plugin("a", "a", "fine", version).requirement == line


def test_a_method_that_is_not_there_is_named_and_not_suggested() -> None:
    record = AttributeRecord.model_validate({**RECORD, "method": HOSTILE})
    with pytest.raises(NotFoundError) as raised:
        load_plugins().method_of(record)
    assert HOSTILE not in str(raised.value.hint)
    assert "pip" not in str(raised.value.hint)
