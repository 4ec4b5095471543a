"""Every hook does what its docstring says; one test each, named after it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from attrbank.plugins import hookspecs
from attrbank.plugins.manager import load_plugins
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


def test_hook_register_executors(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("executor"))
    assert load_plugins().executor("mine").arguments == ()
    assert load_plugins().selection.split(",")[0] == "attrbank"


def test_hook_register_judges(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("judge"))
    assert load_plugins().judge("mine", "the case").arguments == ("the case",)


def test_hook_register_commands(on_path: Path) -> None:
    install(on_path, "attrbank-mine", registering("command"))
    assert load_plugins().command("mine").__name__ == "Mine"
