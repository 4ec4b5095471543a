"""The page on bringing a model and a judge: its two modules are a plugin that works."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import cast

import pytest
import torch
from attrbank_avatars.model_folder import FOLDER

from attrbank.plugin import Case, Judge, JudgeContract, LearnedAttribute, Subject, load_plugins

README = Path(__file__).parents[1] / "README.md"
FILE = re.compile(r"<!-- file: (\S+) -->\n\n```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def their_package(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a reader has made after the three steps."""
    site = tmp_path_factory.mktemp("site")
    text = README.read_text(encoding="utf-8")
    for name, code in FILE.findall(text):
        path = site / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code.replace('"/models/mine"', repr(str(FOLDER))), encoding="utf-8")
    points = re.search(r"```toml\n\[project.entry-points.attrbank\]\n(.*?)```", text, re.DOTALL)
    metadata = site / "my_model-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-model\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[attrbank]\n" + points[1].replace('"', ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        load_plugins.cache_clear()
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_model"]:
        del sys.modules[name]
    load_plugins.cache_clear()


def test_the_model_is_there_and_has_its_judge() -> None:
    assert load_plugins().has_judge("my-model")
    assert tuple(load_plugins().describe("my-model").latent_shape) == (4, 32, 32)


def test_an_evaluation_finds_their_judge_though_the_folder_has_another_name(tmp_path: Path) -> None:
    folder = copytree(FOLDER, tmp_path / "plain")
    (folder / "attrbank.json").unlink()
    backbone = load_plugins().backbone(str(folder))
    assert backbone.name != "my-model"
    case = Case(backbone=backbone, prompt="a picture of a person", source="my-model")
    judge = load_plugins().judge("oracle", case)
    assert "blue" in judge.goals


class TestTheirJudge(JudgeContract):
    def make(self) -> Judge:
        return load_plugins().judge_of("my-model", self.case())

    def test_it_sees_the_ground(self) -> None:
        judge = load_plugins().judge_of("my-model", cast(Case, None))
        blue = (torch.tensor([164, 202, 231]) / 255).view(1, 3, 1, 1).expand(1, 3, 128, 128)
        for goal in judge.goals:
            subject = Subject(goal, "0" * 64, 0, cast(LearnedAttribute, None), judge.goals[goal], goal)
            assert bool(judge.effect(subject, judge.look(blue)) > 0) == (goal == "blue")


def test_the_readme_begins_with_the_bad_news_and_links_to_what_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.splitlines()[2].startswith("**What prompts say of figures comes, and faces are still uneven.**")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        assert (README.parent / link).resolve().exists(), link
