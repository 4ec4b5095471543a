"""``attrbank plugins``: what is there, a new one from a template, and the contracts on it."""

from __future__ import annotations

import ast
import errno
import json
import sys
from pathlib import Path

import pytest

from attrbank.backbones.families import describe
from attrbank.plugin.scaffold import PluginKind, write_plugin
from attrbank.store.bank import Bank
from tests.cli.conftest import Cli, artifact
from tests.helpers.environments import ROOT, fresh_environment
from tests.helpers.fake_distributions import BROKEN, OFFERS_EULER, install
from tests.helpers.toy_truth import install_toy

NEW: dict[PluginKind, str] = {
    "sampler": "3-point",
    "backbone": "toy",
    "method": "mean_shift",
    "metric": "difference",
    "judge": "reddish",
    "executor": "next_door",
    "command": "count",
}
"""A new plugin of each kind; the names are chosen to be awkward."""
KINDS = tuple(NEW)


@pytest.fixture
def two_plugins(on_path: Path) -> Path:
    install(on_path, "attrbank-euler", OFFERS_EULER)
    install(on_path, "attrbank-bad", BROKEN["raises"])
    return on_path


def test_the_list_tells_where_from_which_hooks_and_what_failed_and_why(two_plugins: Path, cli: Cli) -> None:
    bad, euler = json.loads(cli("plugins", "--json").out)
    assert (euler["distribution"], euler["version"], euler["loaded"]) == ("attrbank-euler", "1.0", True)
    assert euler["location"] == str(two_plugins / "attrbank_euler.py")
    assert euler["hooks"] == ["register_samplers"]
    assert euler["registered"] == [{"kind": "sampler", "name": "euler"}]
    assert (bad["loaded"], bad["error"], bad["location"]) == (False, "ValueError: no luck", str(two_plugins))
    assert bad["remove"] == "pip uninstall attrbank-bad"


def test_people_are_told_the_same(two_plugins: Path, cli: Cli) -> None:
    _, bad, euler = cli("plugins").out.splitlines()
    assert bad.split() == ["bad", "attrbank-bad", "1.0", str(two_plugins), "-", "ValueError:", "no", "luck"]
    assert euler.split()[3:] == [str(two_plugins / "attrbank_euler.py"), "register_samplers", "loaded"]


def test_built_ins_are_listed_on_request_and_first(two_plugins: Path, cli: Cli) -> None:
    names = [plugin["name"] for plugin in json.loads(cli("plugins", "--all", "--json").out)]
    assert names == ["attrbank", "bad", "euler"]


def test_requirements_can_be_given_to_pip(two_plugins: Path, cli: Cli) -> None:
    assert cli("plugins", "--all", "--requirements").out == "attrbank-bad==1.0\nattrbank-euler==1.0\n"
    assert cli("plugins", "--json", "--requirements").code == 2


def test_a_plugin_without_a_version_is_required_in_any(two_plugins: Path, cli: Cli) -> None:
    metadata = two_plugins / "attrbank_bad-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0\n", ""))
    assert cli("plugins", "--requirements").out == "attrbank-bad\nattrbank-euler==1.0\n"


def test_without_plugins_there_is_a_way_to_one(on_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTRBANK_PLUGINS", "attrbank")
    outcome = cli("plugins")
    assert (outcome.code, outcome.out) == (0, "")
    assert "attrbank plugins new" in outcome.err
    assert cli("plugins", "--json").out == "[]\n"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the new plugins."""
    folder = tmp_path_factory.mktemp("written")
    for kind, name in NEW.items():
        write_plugin(name, kind, folder, "What it is.")
    return folder


def test_new_plugins_pass_their_tests_and_contracts_where_they_are_installed(tmp_path: Path) -> None:
    environment = fresh_environment(tmp_path)
    for kind, name in NEW.items():
        environment.attrbank("plugins", "new", name, "--kind", kind, "--summary", "What it is.")
    folders = sorted(tmp_path.glob("attrbank-*"))
    environment.install(*folders)
    plugins = json.loads(environment.attrbank("plugins", "--json"))
    assert [(p["distribution"], p["version"], p["loaded"]) for p in plugins] == [
        (f.name, "0.1.0", True) for f in folders
    ]
    assert "3-point" in environment.attrbank("samplers")
    assert "passed" in environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, folders))
    assert "FAILED" not in environment.attrbank("plugins", "check", "attrbank-3-point")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_contract(kind: str, written: Path, cli: Cli, on_path: Path) -> None:
    (folder,) = (found.parents[1] for found in written.glob(f"attrbank-*/*/{kind}.py"))
    outcome = cli("plugins", "check", str(folder))
    assert outcome.code == 0, outcome.out + outcome.err
    assert f"ok      {kind} " in outcome.out
    assert "FAILED" not in outcome.out


def test_new_backbones_and_methods_learn_and_apply(
    written: Path, cli: Cli, on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("toy", "mean_shift"):
        monkeypatch.syspath_prepend(written / f"attrbank-{name}")
    install(on_path, "attrbank-both", "from attrbank_toy import *\nfrom attrbank_mean_shift import *\n")
    pair = ("--source", "a person", "--target", "an old person")
    learned = cli(
        "learn", "old", *pair, "--backbone", "toy", "--method", "mean_shift", "--seeds", "0-3", "--steps", "4", "--json"
    )
    assert learned.code == 0, learned.err
    assert (json.loads(learned.out)["name"], json.loads(learned.out)["method"]) == ("old", "mean_shift")
    sys.modules.pop("attrbank_toy.backbone")
    assert cli("apply", "old", "--plan").code == 0
    assert "attrbank_toy.backbone" not in sys.modules
    applied = json.loads(cli("apply", "old", "-o", str(tmp_path / "out.png"), "--json").out)
    assert (applied["backbone"], applied["attributes"][0]["name"]) == ("toy", "old")
    assert (tmp_path / "out.png").exists()


def test_an_attribute_without_its_method_is_listed_and_says_what_to_install(
    tiny_pipeline: Path, cli: Cli, bank: Bank
) -> None:
    folder = describe(str(tiny_pipeline))
    binding = {
        "name": str(tiny_pipeline),
        "fingerprint": folder.fingerprint,
        "latent_shape": folder.latent_shape,
        "prediction_type": folder.prediction_type,
    }
    bank.add(artifact(method="loco", backbone=binding))
    assert [entry["method"] for entry in json.loads(cli("list", "--json").out)] == ["loco"]
    assert "loco" in cli("show", "young").out
    outcome = cli("apply", "young")
    assert outcome.code == 3
    assert "young needs the method 'loco', which is not installed" in outcome.err
    assert "attrbank methods lists those that are there" in outcome.err


def test_the_guide_shows_the_sampler_that_is_written(tmp_path: Path) -> None:
    code = (write_plugin("euler", "sampler", tmp_path) / "attrbank_euler" / "sampler.py").read_text(encoding="utf-8")
    assert f"```python\n{code}```" in (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_what_exists_is_not_overwritten(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(cli("plugins", "new", "heun", "--kind", "metric", "--json").out)["folder"] == "attrbank-heun"
    assert cli("plugins", "new", "euler", "--kind", "metric").out == "attrbank-euler\n"
    assert cli("plugins", "new", "euler", "--kind", "sampler").code == 4
    assert cli("plugins", "new", "Euler", "--kind", "sampler").code == 4
    assert cli("plugins", "new", "heun", "--kind", "flavour").code == 2


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("sampler", "foo-"), ("metric", "foo_"), ("sampler", "ddim"), ("backbone", "portraits"), ("method", "avi")),
        *(("metric", "psnr"), ("sampler", "euler")),
    ],
)
def test_a_name_that_no_plugin_can_have_is_refused(
    kind: str, name: str, tmp_path: Path, cli: Cli, two_plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("plugins", "new", name, "--kind", kind)
    assert (outcome.code, outcome.out) == (4, "")
    assert "hint: " in outcome.err
    assert not list(tmp_path.glob("attrbank-*"))


def test_the_sentence_of_the_template_is_refused(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "until then the check complains" in cli("plugins", "new", "heun", "--kind", "metric").err
    outcome = cli("plugins", "check", "attrbank-heun")
    assert outcome.code == 9
    assert "FAILED  metric heun: its summary says what it is" in outcome.out
    assert outcome.out.count("FAILED") == 1


def test_a_summary_is_text_and_never_code(tmp_path: Path) -> None:
    folder = write_plugin("heun", "sampler", tmp_path, 'a "quoted" \\ $name\n{0}')
    tree = ast.parse((folder / "attrbank_heun" / "__init__.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    (call,) = (call for call in calls if getattr(call.func, "id", "") == "Spec")
    assert ast.literal_eval(call.args[1]) == 'a "quoted" \\ $name {0}'


def test_a_sampler_is_held_to_the_order_that_it_claims(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "wrong", "--kind", "sampler", "--summary", "It.")
    code = tmp_path / "attrbank-wrong" / "attrbank_wrong" / "sampler.py"
    code.write_text(code.read_text().replace("stochastic = False", "order = 2\n    stochastic = False"))
    outcome = cli("plugins", "check", "attrbank-wrong")
    assert outcome.code == 9
    assert "do not fall with order 2" in outcome.err


def test_a_command_that_typer_cannot_read_is_told(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "tally", "--kind", "command", "--summary", "It.")
    code = tmp_path / "attrbank-tally" / "attrbank_tally" / "command.py"
    code.write_text(code.read_text().replace("    beginning:", "    what: int | str,\n    beginning:"))
    outcome = cli("plugins", "check", "attrbank-tally")
    assert outcome.code == 9
    assert "FAILED  command tally: its help can be shown" in outcome.out


def test_a_name_taken_by_another_kind_is_free(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("plugins", "new", "ddim", "--kind", "metric").code == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["none", "true", "3", "a_b-c", "facts", "learned"])
def test_no_name_spoils_the_code(kind: PluginKind, name: str, tmp_path: Path) -> None:
    for path in write_plugin(name, kind, tmp_path).rglob("*.py"):
        tree = ast.parse(path.read_text())
        bound = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
        bound += [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        assert len(bound) == len(set(bound)), path


def test_a_package_that_cannot_be_finished_leaves_nothing(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", full)
    assert cli("plugins", "new", "heun", "--kind", "sampler").code == 7
    assert list(tmp_path.iterdir()) == []


def test_a_plugin_that_imports_heavy_code_fails(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("attrbank.plugin.check.HEAVY", frozenset({"attrbank_weights"}))
    (on_path / "attrbank_weights.py").write_text("")
    cli("plugins", "new", "heavy", "--kind", "metric", "--summary", "It.")
    code = tmp_path / "attrbank-heavy" / "attrbank_heavy" / "__init__.py"
    code.write_text(f"import attrbank_weights\n{code.read_text()}")
    outcome = cli("plugins", "check", "attrbank-heavy")
    assert outcome.code == 9
    assert "it imports attrbank_weights" in outcome.err


SPOILED = {
    'name = "wrong"': 'name = "right"',
    "prediction.x0 + (": "prediction.x0 + 0.9 * (",
    "alpha_bar = ": "prediction.eps.mul_(0.99)\n        alpha_bar = ",
    "return timestep_grid(steps, schedule)": "return timestep_grid(steps, schedule)[:-1]",
    "return alpha_bar": "raise SystemExit(0)\n        return alpha_bar",
}


@pytest.mark.parametrize("right", SPOILED)
def test_a_wrong_sampler_fails_its_contract(
    right: str, tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "wrong", "--kind", "sampler", "--summary", "It.")
    code = tmp_path / "attrbank-wrong" / "attrbank_wrong" / "sampler.py"
    assert right in code.read_text()
    code.write_text(code.read_text().replace(right, SPOILED[right]))
    outcome = cli("plugins", "check", "attrbank-wrong")
    assert outcome.code == 9
    assert "FAILED  sampler wrong: " in outcome.out
    assert "promises are not kept" in outcome.err


def test_a_backbone_whose_description_is_of_another_fails(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "two-faced", "--kind", "backbone", "--summary", "It.")
    code = tmp_path / "attrbank-two-faced" / "attrbank_two_faced" / "backbone.py"
    code.write_text(f"{code.read_text()}\n    fingerprint = 'fedcba9876543210'\n")
    outcome = cli("plugins", "check", "attrbank-two-faced")
    assert outcome.code == 9
    assert "described with another fingerprint than the model has" in outcome.err
    assert outcome.out.count("FAILED") == 1
    reported = cli("plugins", "check", "attrbank-two-faced", "--json")
    assert reported.code == 9
    (broken,) = (finding for finding in json.loads(reported.out) if finding["error"])
    assert broken["subject"] == "backbone two-faced"


def test_two_entry_points_of_one_package_must_not_offer_the_same(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "heun", "--kind", "sampler", "--summary", "It.")
    project = tmp_path / "attrbank-heun" / "pyproject.toml"
    once = 'heun = "attrbank_heun"\n'
    project.write_text(project.read_text().replace(once, f"{once}again = 'attrbank_heun'\n"))
    outcome = cli("plugins", "check", "attrbank-heun")
    assert outcome.code == 9
    assert "again cannot be loaded: The sampler name 'heun' is taken by attrbank-heun." in outcome.err


@pytest.mark.parametrize(
    ("file", "right", "wrong", "complaint"),
    [
        ("__init__.py", "@hookimpl", "", "heun implements no hook"),
        ("__init__.py", "HeunMetric", "Huen", "FAILED  metric heun: it can be made"),
        ("metric.py", "dim=(1, 2, 3)", "", "FAILED  metric heun: every picture gets one finite figure"),
    ],
)
def test_what_is_wrong_with_a_metric_is_told(
    file: str,
    right: str,
    wrong: str,
    complaint: str,
    tmp_path: Path,
    cli: Cli,
    on_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "heun", "--kind", "metric", "--summary", "It.")
    code = tmp_path / "attrbank-heun" / "attrbank_heun" / file
    assert right in code.read_text()
    code.write_text(code.read_text().replace(right, wrong))
    outcome = cli("plugins", "check", "attrbank-heun")
    assert outcome.code == 9
    assert complaint in outcome.out + outcome.err


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A package with a backbone that brings its own judge, and with a judge for any model."""
    folder = tmp_path / "toy"
    folder.mkdir()
    install_toy(folder)
    lines = ['[project]\nname = "attrbank-toy"', "[project.entry-points.attrbank]", 'toy = "attrbank_toy"']
    (folder / "pyproject.toml").write_text("\n".join(lines))
    return folder


def test_the_judge_that_a_backbone_brings_is_checked_as_well(toy: Path, cli: Cli, on_path: Path) -> None:
    outcome = cli("plugins", "check", str(toy))
    assert outcome.code == 0, outcome.out
    for judge in ("judge of toy", "judge brightness"):
        assert f"ok      {judge}: a view is its rows" in outcome.out


def test_a_backbones_judge_that_cannot_be_made_is_told(toy: Path, cli: Cli, on_path: Path) -> None:
    hooks = toy / "attrbank_toy.py"
    hooks.write_text(hooks.read_text().replace("judges:Truth", "judges:Lie"))
    outcome = cli("plugins", "check", str(toy))
    assert outcome.code == 9
    assert "FAILED  judge of toy: it can be made" in outcome.out
    assert "ok      judge brightness: it can be made" in outcome.out


def test_a_package_may_keep_its_code_below_src_and_leaves_the_path_as_it_was(
    tmp_path: Path, cli: Cli, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cli("plugins", "new", "heun", "--kind", "metric", "--summary", "It.")
    folder, path = tmp_path / "attrbank-heun", list(sys.path)
    (folder / "src").mkdir()
    (folder / "attrbank_heun").rename(folder / "src" / "attrbank_heun")
    assert cli("plugins", "check", "attrbank-heun").code == 0
    assert sys.path == path


def test_what_is_no_plugin_cannot_be_checked(tmp_path: Path, cli: Cli) -> None:
    assert cli("plugins", "check", str(tmp_path)).code == 3
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert cli("plugins", "check", str(tmp_path)).code == 4
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert cli("plugins", "check", str(tmp_path)).code == 4
