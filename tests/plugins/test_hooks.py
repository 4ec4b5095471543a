"""Every hook does what its docstring says; one test each, named after it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from attrbank.editing.request import ApplyRequest, learn_spec
from attrbank.editing.run import apply
from attrbank.learning.run import learn
from attrbank.plugins import hookspecs
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from tests.helpers.fake_distributions import install

ROOT = Path(__file__).resolve().parents[2]
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "attrbank_spec")]


def registering(kind: str) -> str:
    return f"""
    from attrbank.plugins.hookspecs import Spec, hookimpl

    @hookimpl
    def register_{kind}s(register):
        register(Spec("mine", "One of my own.", target="attrbank_mine:Mine"))

    class Mine:
        def __init__(self, *arguments):
            self.arguments = arguments
    """


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_test_of_its_name(hook: str) -> None:
    assert f"test_hook_{hook}" in globals()


def test_every_hook_stands_in_the_documentation_with_its_signature() -> None:
    tree = ast.parse(inspect.getsource(hookspecs))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    signatures = [f"def {name}({ast.unparse(functions[name].args)}) -> None: ..." for name in HOOKS]
    documented = re.findall(r"^def .*: \.\.\.$", (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8"), re.M)
    assert documented == signatures


def test_hook_register_samplers(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("sampler"))
    assert load_plugins().sampler("mine").arguments == ()


def test_hook_register_backbones(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("backbone"))
    assert load_plugins().backbone("mine").arguments == ("mine",)


def test_hook_register_methods(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("method"))
    assert load_plugins().method("mine").arguments == ()


def test_hook_register_metrics(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("metric"))
    assert load_plugins().metric("mine").arguments == ()


def test_hook_register_commands(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("command"))
    assert load_plugins().command("mine").__name__ == "Mine"


LISTENS = """
from attrbank.plugins.hookspecs import hookimpl

heard = []
{hooks}
"""


@pytest.fixture(scope="module")
def run_with_listeners(tiny_pipeline: Path, tmp_path_factory: pytest.TempPathFactory):
    """Learn and apply once, while one plugin changes by force whatever it is handed and another takes notes."""
    folder = tmp_path_factory.mktemp("listeners")
    arguments = {
        "before_learn": ("spec",),
        "after_learn": ("entry",),
        "before_apply": ("recipe",),
        "after_apply": ("recipe", "output"),
    }
    notes = "".join(
        f"\n@hookimpl\ndef {hook}({', '.join(names)}):\n    heard.append(('{hook}', {', '.join(names)}))\n"
        for hook, names in arguments.items()
    )
    force = "".join(
        f"\n@hookimpl\ndef {hook}({names[0]}):\n"
        f"    object.__setattr__({names[0]}, '{'prompt' if 'apply' in hook else 'name'}', 'changed')\n"
        for hook, names in arguments.items()
    )
    install(folder, "attrbank-aforce", LISTENS.format(hooks=force))
    install(folder, "attrbank-notes", LISTENS.format(hooks=notes))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr("attrbank.store.bank.starter_bank", lambda: None)
        load_plugins.cache_clear()
        spec = learn_spec("old", ["a photo of a person"], ["a photo of an old person"], seeds=(0, 1), steps=5)
        entry = learn(spec, backbone=str(tiny_pipeline), bank=folder / "bank")
        request = ApplyRequest(
            references=(("old", 0.5),), bank=folder / "bank", steps=5, output=folder / "o.png", seed=7
        )
        applied = apply(request)
        import attrbank_notes

        yield entry, applied, {event: what for event, *what in attrbank_notes.heard}
    load_plugins.cache_clear()


def test_hook_before_learn(run_with_listeners) -> None:
    (spec,) = run_with_listeners[2]["before_learn"]
    assert (spec.name, spec.steps, spec.seeds) == ("old", 5, (0, 1))
    assert spec.guidance_scale == 7.5  # complete: the backbone's own


def test_hook_after_learn(run_with_listeners) -> None:
    entry, _, heard = run_with_listeners
    assert heard["after_learn"] == [entry]
    assert entry.name == "old"


def test_hook_before_apply(run_with_listeners) -> None:
    (recipe,) = run_with_listeners[2]["before_apply"]
    assert (recipe.prompt, recipe.seed, recipe.steps_applied[0].strength) == ("a photo of a person", 7, 0.5)


def test_hook_after_apply(run_with_listeners) -> None:
    _, applied, heard = run_with_listeners
    recipe, output = heard["after_apply"]
    assert output == applied.output
    assert output.exists()
    assert recipe == heard["before_apply"][0]
    assert applied.plan.prompt == recipe.prompt == "a photo of a person"


def test_what_is_stored_is_what_was_asked_for_whatever_a_hook_does(run_with_listeners) -> None:
    entry, applied, _ = run_with_listeners
    assert Bank(applied.plan.bank.path).record(entry).name == "old"
