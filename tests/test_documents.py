"""The documents say what is so: what cites them cites what exists, and what they show runs."""

from __future__ import annotations

import glob
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import typer
from PIL import Image
from typer.main import get_command

from attrbank.cli.app import app, run
from attrbank.learning.fleet.read import read_fleet
from tests.helpers.original_format import save_checkpoint

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = [path for room in ("attrbank", "lab", "plugins", "tests", "examples") for path in (ROOT / room).rglob("*.py")]
PORTRAITS = ROOT / "attrbank" / "backbones" / "portraits" / "model"

SET_UP = (
    "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt . "
    "&& .venv/bin/attrbank apply young smile --rho 0.7 --seed 2",
    'python3 -m venv .venv && .venv/bin/pip install -c constraints.txt ".[test]" && .venv/bin/python -m pytest',
)
"""What strangers type first; the gate runs the same in a fresh environment."""

CITED = re.compile(r"docs/(?P<page>[\w-]+\.md)(?: (?P<section>\d+(?:\.\d+)?)\b)?")


class Instead(NamedTuple):
    """How a command is run here.

    Attributes:
        command: a pattern; the first of ``INSTEAD`` that is found in a command counts.
        change: pairs of a pattern and what takes its place; PARSED asks for no more than that the options exist, and
            LEFT_OUT for nothing.
        why: it is not run as it stands.
    """

    command: str
    change: tuple[tuple[str, str], ...] | str
    why: str


PARSED, LEFT_OUT = "parsed", "left out"
SHORT = r"$", " --seeds 0-3 --steps 6"
JUDGED = r"$", " --seeds 10000-10002 --steps 6"
QUICK = r"$", " --quick --strengths 1"
FEW = r"^(?!.*--against)(.*)$", r"\1 --against target-prompt,prompt-switch"
INSTEAD = (
    Instead(r"^(python3 -m venv|pip |\.venv/|\. |\.ci/run)", LEFT_OUT, "the gate installs, in a fresh environment"),
    Instead(r"^(python -m pytest|ruff|mypy)", LEFT_OUT, "they are the suite, or run it"),
    Instead(r"^attrbank ui", PARSED, "serves until Ctrl-C; tests/ui opens it in a browser"),
    Instead(r"--sampler euler", LEFT_OUT, "takes an installation; tests/cli/test_plugins_command.py does it"),
    Instead(r"^attrbank inspect", LEFT_OUT, "a plugin's; plugins/attrbank-findings/tests run it"),
    Instead(r"^python -m lab", PARSED, "takes from minutes to hours"),
    Instead(r"^attrbank (eval|matrix) young old smile serious", PARSED, "takes hours"),
    Instead(r"^attrbank eval smile old glasses", PARSED, "learns with every method"),
    Instead(r"^attrbank eval", ((r"--against all", "--against s_z"), FEW, QUICK, JUDGED), "64 pictures, and Φ"),
    Instead(r"^attrbank matrix", ((r"$", " --largest 2"), JUDGED), "64 pictures"),
    Instead(r"--on (ray|submitit)", PARSED, "takes a cluster; tests/executors and the package have one"),
    Instead(r"^attrbank learn --from", (), "as it stands: the file has few seeds"),
    Instead(r"^attrbank learn .*--source-image", ((r"$", " --steps 6"),), "pictures have no seeds"),
    Instead(r"^attrbank learn .*--keep", ((r"$", " --seeds 0-4 --steps 6"),), "64 seeds; it makes five pairs"),
    Instead(r"^attrbank learn .*--preset paper", ((r"--preset paper", "--vectors paper --solver exact"), SHORT), "Φ"),
    Instead(
        r"^attrbank learn",
        ((r" --tune( --(goal|judge) \S+)?", ""), SHORT),
        "64 seeds or more; tuning has its own tests",
    ),
    Instead(r"^attrbank (strip|grid)", ((r"$", " --steps 8"),), "many pictures"),
    Instead(r"--seeds 10000-10015", ((r"10000-10015", "0-1"),), "many pictures"),
)
IN_PYTHON = {'target="a photo of a person, smiling")': 'target="a photo of a person, smiling", seeds="0-3", steps=6)'}
"""Blocks of Python are run with fewer seeds."""


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in map(slug, headings(target)), link


def test_every_section_that_the_code_cites_exists() -> None:
    cited = {(found["page"], found["section"]) for path in SOURCES for found in CITED.finditer(path.read_text("utf-8"))}
    assert len(cited) > 15
    for page, section in cited:
        path = ROOT / "docs" / page
        assert path.is_file() or page == "FILE.md", page
        if section:
            assert any(re.match(rf"{re.escape(section)}\.? ", heading) for heading in headings(path)), (page, section)


def test_nothing_cites_what_is_not_in_the_repository() -> None:
    for path in SOURCES:
        for cited in re.findall(
            r"\b(METHOD|DESIGN)\b[ ,]+section|((?<![\w/])docs/[\w-]+\.md)", path.read_text("utf-8")
        ):
            assert not cited[0], path
            assert (ROOT / cited[1]).is_file() or path.parts[-2] == "tests", (path, cited)


def test_the_first_page_is_one_page_and_begins_as_it_always_has() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 140
    assert [line for line in readme.splitlines() if line.startswith("python3 -m venv")] == list(SET_UP)


def test_the_idea_fits_a_page() -> None:
    assert len((ROOT / "examples" / "idea.py").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.fixture
def desk(tmp_path: Path, tiny_pipeline: Path, tiny_ddpm: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a folder with whatever the documents take for granted."""
    for variable in ("ATTRBANK_BANK", "ATTRBANK_PLUGINS", "ATTRBANK_STRICT_PLUGINS", "PYTHONPATH"):
        monkeypatch.delenv(variable, raising=False)
    for variable, name in (("HOME", "home"), ("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "configuration")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    folder = tmp_path / "desk"
    for name in ("out", "photos", "straight", "curly", "serious", "smiling"):
        (folder / name).mkdir(parents=True)
    grey = Image.linear_gradient("L").resize((128, 128))
    for number, name in enumerate(("straight.png", "straight/a.png", "serious/a.png", "photo.png", "me.jpg")):
        Image.merge("RGB", (grey, grey.rotate(90), grey.rotate(30 * number))).save(folder / name)
    for name in ("curly.png", "curly/a.png", "smiling/a.png", "head.png", "photos/ann.png"):
        Image.radial_gradient("L").resize((128, 128)).convert("RGB").save(folder / name)
    (folder / "prompts.txt").write_text("a photo of a man\n")
    settings = '[defaults]\nsource = "a photo of a person"\nseeds = "0-3"\nsteps = 6\n[attributes.fleet-smile]\n'
    (folder / "attributes.toml").write_text(settings + 'target = "a photo of a person, smiling"\n')
    (folder / "stable-diffusion-v1-5").symlink_to(PORTRAITS)
    (folder / "another-model").symlink_to(tiny_pipeline)
    (folder / "ddpm-celebahq-256").symlink_to(tiny_ddpm)
    torch.save({"delta": {"tokenwise_delta.oai_clip_vit_l": torch.ones(128)}}, folder / "person_smile.pt")
    monkeypatch.chdir(folder)
    return folder


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and text of every fenced block."""
    text = page.read_text(encoding="utf-8")
    return ((found[1], found[2]) for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def test_every_block_says_what_it_is() -> None:
    for page in PAGES:
        for language, text in blocks(page):
            assert language or not re.search(r"^(attrbank|python|pip) ", text, re.MULTILINE), text


def words_of(line: str) -> list[str]:
    """A line of a shell without its comment and without what it pipes into, globs expanded."""
    words = shlex.split(line, comments=True)
    words = words[: words.index("|")] if "|" in words else words
    return [name for word in words for name in (sorted(glob.glob(word)) if "*" in word else [word])]


def changed(line: str) -> tuple[str, bool]:
    """What to run instead of a line, and whether it is only parsed; nothing for what is left out."""
    bare = line.partition("  #")[0].partition(" | ")[0].strip()
    for instead in INSTEAD:
        if re.search(instead.command, bare):
            if isinstance(instead.change, str):
                return ("", False) if instead.change == LEFT_OUT else (bare, True)
            for pattern, new in instead.change:
                bare = re.sub(pattern, new, bare)
            break
    return bare, False


def parse(words: list[str]) -> None:
    """Read a command's options as it would, and stop before it does anything."""
    if words[0] == "python":
        module = typer.Typer()
        module.command()(import_module(words[2]).main)
        get_command(module).make_context(words[2], words[3:])
        return
    group: Any = get_command(app)
    context = group.make_context("attrbank", words[1:])
    name, command, rest = group.resolve_command(context, words[1:])
    command.make_context(name, rest, parent=context)


def run_shell(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for line in text.splitlines():
        command, only_parsed = changed(line)
        words = words_of(command)
        if only_parsed:
            parse(words)
        elif words:
            assert words[0] == "attrbank", line
            assert run(words[1:]) == 0, (command, capsys.readouterr().err)


def run_python(text: str) -> None:
    for shown, here in IN_PYTHON.items():
        text = text.replace(shown, here)
    flags = annotations.compiler_flag  # signatures alone need not know the names in them
    exec(compile(text, "a document", "exec", flags), {"__name__": "document"})


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whatever_a_document_shows_runs(
    page: Path, desk: Path, tiny_pipeline: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.name == "models.md":  # a single file of a relative: only the tiny models have one
        (desk / "stable-diffusion-v1-5").unlink()
        shutil.copytree(tiny_pipeline, desk / "stable-diffusion-v1-5")
        save_checkpoint(tiny_pipeline, desk / "realistic.safetensors")
    monkeypatch.syspath_prepend(desk / "attrbank-euler")
    for language, text in blocks(page):
        if language == "sh":
            run_shell(text, capsys)
        elif language == "python":
            run_python(text)
        elif language == "toml" and "[attributes." in text:
            (desk / "shown.toml").write_text(text)
            assert read_fleet(desk / "shown.toml", desk / "bank").orders


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_the_examples_run(
    example: Path, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [example.name])
    text = re.sub(r"seeds=range\(\d+\)", "seeds=range(4), steps=8", example.read_text(encoding="utf-8"))
    exec(compile(text, str(example), "exec"), {"__name__": "__main__"})
    assert "False" not in capsys.readouterr().out
    assert list(desk.rglob("callback.png")) or list(desk.rglob("grin-1.png"))
