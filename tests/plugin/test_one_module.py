"""``attrbank.plugin`` is all that a plugin imports of attrbank, and it has what a plugin needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import attrbank
import attrbank.diffusers
import attrbank.plugin
from attrbank import errors
from attrbank.diffusion import protocols
from attrbank.methods import protocol

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"attrbank", "attrbank.plugin"}
TEMPLATES = sorted((ROOT / "attrbank" / "plugin" / "templates").rglob("*.py.tmpl"))
PACKAGES = sorted((ROOT / "plugins").iterdir())
CODE = [*TEMPLATES, *(file for package in PACKAGES for file in sorted(package.rglob("*.py")))]
PAGES = [ROOT / "docs" / "plugins.md", *(package / "README.md" for package in PACKAGES)]
LAZY = (attrbank, attrbank.diffusers, attrbank.plugin)
HEAVY = {"torch", "numpy", "diffusers", "transformers", "PIL", "pytest"}


def imported(code: str) -> set[str]:
    """The modules of attrbank's that some code imports."""
    found = re.findall(r"^\s*(?:from|import)\s+(attrbank(?:\.[\w.]+)?)\b(?!_)", code, re.MULTILINE)
    return set(found)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_of_plugins_imports_the_one_module_only(path: Path) -> None:
    assert imported(path.read_text("utf-8")) <= PUBLIC


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_guides_show_the_one_module_only(path: Path) -> None:
    text = path.read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert imported("\n".join(blocks)) <= PUBLIC
    named = re.findall(r"\battrbank(?:\.\w+)+", text)
    allowed = {f"attrbank.plugin.{name}" for name in attrbank.plugin.__all__} | PUBLIC
    assert {name for name in named if name.startswith("attrbank.plugin")} <= allowed
    assert not {name for name in named if (ROOT / Path(*name.split("."))).is_dir()} - PUBLIC


def test_what_is_looked_for_is_there_to_be_found() -> None:
    assert len(TEMPLATES) >= 10
    assert {path.name for path in PACKAGES} >= {"attrbank-example-sampler", "attrbank-ksamplers"}
    assert imported("from attrbank.diffusion.schedule import timestep_grid\nimport attrbank.avi\n") == {
        "attrbank.diffusion.schedule",
        "attrbank.avi",
    }
    assert imported("from attrbank_euler import x") == set()


@pytest.mark.parametrize("module", LAZY, ids=lambda module: module.__name__)
def test_every_name_can_be_had_and_is_told_to_type_checkers(module) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module)) | set(module._HOME_OF)
    with pytest.raises(AttributeError):
        _ = module.nothing_of_the_kind
    told = {(alias.asname, node.module) for node in for_type_checkers(module) for alias in node.names}
    assert told == set(module._HOME_OF.items())


def for_type_checkers(module) -> Iterable[ast.ImportFrom]:
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return (node for node in block.body if isinstance(node, ast.ImportFrom))


def test_every_protocol_and_every_error_is_there() -> None:
    own = {
        name
        for module in (protocols, protocol, errors)
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert own <= set(attrbank.plugin.__all__)


@pytest.mark.parametrize(
    "code",
    ["import attrbank", "import attrbank.plugin", "from attrbank.plugin import Spec, hookimpl, timestep_grid"],
)
def test_importing_it_is_light(code: str) -> None:
    show = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", show], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


def test_its_fixtures_are_there_for_pytest(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["attrbank.plugin"]\n')
    (tmp_path / "test_it.py").write_text(
        "def test_it(fake_attribute, tmp_bank):\n    assert tmp_bank.resolve('old') == fake_attribute\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
