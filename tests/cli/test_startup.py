"""Light commands stay light: what they must not import, and how long a long list may take."""

from __future__ import annotations

import hashlib
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from attrbank.backbones.families import describe
from attrbank.store import index, ledger
from attrbank.store.bank import Bank
from attrbank.store.entry import derive
from attrbank.store.layout import Layout
from tests.cli.conftest import RECORD, artifact
from tests.helpers.artifacts import pointing
from tests.helpers.fake_distributions import install
from tests.helpers.measured import a_card, a_matrix, a_pair

HEAVY = {"torch", "numpy", "diffusers", "transformers", "sqlite_utils", "PIL", "safetensors"}
REPOSITORY = Path(__file__).resolve().parents[2]

REPORT_IMPORTS = """
import sys
from attrbank.cli.app import run
code = run(sys.argv[1:])
print(code, *sorted(sys.modules), sep="\\n", file=sys.stderr)
"""

HELLO = """
import typer

app = typer.Typer()

@app.command()
def hello(name: str = "world") -> None:
    print(f"hello {name}")

@app.command()
def goodbye() -> None:
    print("goodbye")

app()
"""


def run_python(*arguments: str, bank: Path, plugins: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in (REPOSITORY, plugins) if folder)
    environment = os.environ | {"PYTHONPATH": path, "ATTRBANK_BANK": str(bank)}
    environment.pop("ATTRBANK_PLUGINS", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # typer comes compiled, so let us be measured compiled too
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=bank.parent, capture_output=True, text=True, check=False
    )


def imported_by(arguments: Sequence[str], bank: Path) -> set[str]:
    finished = run_python("-c", REPORT_IMPORTS, *arguments, bank=bank)
    code, *modules = finished.stderr.splitlines()[-2000:]
    while not code.isdigit():  # talk comes first
        code, *modules = modules
    assert code == "0", finished.stderr[:500]
    return set(modules)


@pytest.fixture
def stocked(tmp_path: Path) -> Path:
    bank = Bank(tmp_path / "bank")
    bank.measurements.keep_card(a_card(bank.add(artifact()).id))
    return tmp_path / "bank"


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["--help"], ["--version"], ["learn", "--help"], ["apply", "--help"]),
        *(["eval", "--help"], ["matrix", "--help"], ["ui", "--help"]),
        *(["list"], ["list", "--json"], ["list", "-q"], ["show", "young"], ["verify"], ["export", "young"]),
        *(["push", "shelf", "young"], ["push", "--help"], ["pull", "--help"]),
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy_and_no_plugins(arguments: list[str], stocked: Path) -> None:
    imported = imported_by(arguments, stocked)
    assert imported & HEAVY == set()
    assert "attrbank.plugins.manager" not in imported


@pytest.mark.parametrize(
    "arguments", [["similar", "young"], ["dedupe"], ["diff", "young", "old"], ["similar", "--help"]], ids=" ".join
)
def test_attributes_are_compared_without_torch(arguments: list[str], tmp_path: Path) -> None:
    bank = Bank(tmp_path / "bank")
    for name, vector in (("young", [1.0, 2.0]), ("old", [2.0, 1.0])):
        bank.add(pointing(name, vector))
    imported = imported_by(arguments, bank.path)
    assert imported & HEAVY <= {"numpy"}
    assert ("numpy" in imported) == ("--help" not in arguments)


@pytest.mark.parametrize("arguments", [["list"], ["show", "young"]], ids=" ".join)
def test_what_backups_and_repairs_take_is_loaded_for_them_alone(arguments: list[str], stocked: Path) -> None:
    imported = imported_by(arguments, stocked)
    assert imported & {"tarfile", "attrbank.store.backup", "attrbank.store.repair"} == set()


def test_a_list_loads_no_records(stocked: Path) -> None:
    assert "attrbank.schema.fields" not in imported_by(["list"], stocked)


@pytest.mark.parametrize(
    "arguments", [["samplers"], ["backbones"], ["methods"], ["metrics"], ["judges"], ["plugins"]], ids=" ".join
)
def test_listing_what_is_installed_imports_none_of_it(arguments: list[str], stocked: Path) -> None:
    imported = imported_by(arguments, stocked) - {"attrbank.backbones.short_names"}  # a table of names, no backbone
    assert imported & HEAVY == set()
    theirs = ("attrbank.samplers.", "attrbank.backbones.", "attrbank.evaluation.")
    # Users' own names for models are read from a file, and are there to be listed.
    assert {name for name in imported if name.startswith(theirs)} <= {"attrbank.backbones.short_names"}


def test_a_plan_imports_nothing_heavy(tiny_pipeline: Path, tmp_path: Path) -> None:
    folder = describe(str(tiny_pipeline))
    backbone = {
        "name": str(tiny_pipeline),
        "fingerprint": folder.fingerprint,
        "latent_shape": folder.latent_shape,
        "prediction_type": folder.prediction_type,
    }
    bank = Bank(tmp_path / "bank")
    young, old = (bank.add(artifact(name=name, backbone=backbone)).id for name in ("young", "old"))
    bank.measurements.keep_matrix(a_matrix(a_pair(young, old, gain=-0.5)))
    assert imported_by(["apply", "young:0.7", "old", "--plan"], bank.path) & HEAVY == set()


def test_compat_imports_nothing_heavy(tiny_pipeline: Path, stocked: Path) -> None:
    assert imported_by(["compat", "--backbone", str(tiny_pipeline)], stocked) & HEAVY == set()


def test_importing_attrbank_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, attrbank; attrbank.Bank; print(*sys.modules, sep='\\n')"
    assert set(run_python("-c", code, bank=tmp_path / "bank").stdout.split()) & HEAVY == set()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bank = tmp_path_factory.mktemp("large") / "bank"
    bank.mkdir()
    with index.writing(Layout(bank).index) as connection:
        for number in range(10_000):
            name = f"attribute-{number:05}"
            facts = derive(hashlib.sha256(name.encode()).hexdigest(), RECORD | {"name": name}, 4096)
            ledger.admit(connection, facts, replace=False)
            ledger.write_card(connection, {"id": facts["id"], "score": 0.93, "usable_low": 0.4, "usable_high": 1.3})
    return bank


def processor_time() -> float:
    """Seconds that finished child processes have computed; unlike the clock's, they do not grow with the load."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_ten_thousand_attributes_are_listed_in_three_times_a_hello_world(
    options: list[str], large: Path, tmp_path: Path
) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    greeted, listed = [], []
    for _ in range(5):
        started = processor_time()
        run_python(str(tmp_path / "hello.py"), "hello", bank=large)
        between = processor_time()
        finished = run_python("-m", "attrbank", "list", *options, bank=large)
        greeted.append(between - started)
        listed.append(processor_time() - between)
        assert finished.stdout.count("attribute-0") == 10_000
    assert statistics.median(listed) < 3 * statistics.median(greeted), (listed, greeted)


def test_a_reader_that_goes_away_ends_the_list_in_silence(tmp_path: Path) -> None:
    bank = Bank(tmp_path / "bank")
    prompt = "a long prompt " * 140
    for number in range(25):
        bank.add(artifact(name=f"a{number}", pairs=[{"source": prompt, "target": prompt}]))
    command = f"{sys.executable} -m attrbank list | head -1"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "ATTRBANK_BANK": str(bank.path)}
    finished = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)
    assert finished.stdout.startswith("NAME")
    assert finished.stderr == ""


def test_a_list_in_a_pipe_begins_before_it_is_read(large: Path) -> None:
    """What a reader of its first line waits for is little, however long the rest."""
    started = processor_time()
    words = f"{sys.executable} -m attrbank list | head -1"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "ATTRBANK_BANK": str(large)}
    finished = subprocess.run(words, shell=True, env=environment, capture_output=True, text=True, check=False)
    between = processor_time()
    run_python("-m", "attrbank", "list", bank=large)
    assert finished.stdout.startswith("NAME")
    assert between - started < 0.95 * (processor_time() - between)


def test_rows_that_stream_are_the_rows_and_keep_no_writer_waiting(large: Path) -> None:
    bank = Bank(large)
    stream = bank.stream(["name", "score"])
    first = next(stream)
    with index.writing(Layout(large).index):
        assert tuple(first) == ("attribute-00000", 0.93)
    assert [tuple(first), *map(tuple, stream)] == bank.rows(["name", "score"])


def test_a_plugin_can_bring_a_command(stocked: Path, tmp_path: Path) -> None:
    code = """
    from attrbank.plugins.hookspecs import Spec, hookimpl

    @hookimpl
    def register_commands(register):
        register(Spec("greet", "Say hello.", target="attrbank_greet:greet"))

    def greet(name: str) -> None:
        print(f"hello {name}")
    """
    plugins = install(tmp_path / "plugins", "attrbank-greet", code)
    greeted = run_python("-m", "attrbank", "greet", "you", bank=stocked, plugins=plugins)
    assert (greeted.returncode, greeted.stdout) == (0, "hello you\n")
    assert run_python("-m", "attrbank", "gret", bank=stocked, plugins=plugins).stderr.count("'greet'") == 1
