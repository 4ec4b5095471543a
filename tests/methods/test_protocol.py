"""A method says what it needs; what it leaves out has a default, and the engine knows no method by its parts."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import attrbank
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec, refuse_unknown
from attrbank.methods.avi import Avi
from attrbank.methods.completing import completed
from attrbank.methods.needs import Needs, OtherRun
from attrbank.methods.protocol import Method
from attrbank.methods.strengths import Strengths
from attrbank.schema.asked import LearnSpec, PaperOptions, PictureFiles, PromptPair
from attrbank.schema.stored import AttributeRecord
from tests.helpers.artifacts import RECORD

PACKAGE = Path(attrbank.__file__).parent
ENGINE = [*(PACKAGE / "editing").glob("*.py"), *(PACKAGE / "learning").glob("*.py"), PACKAGE / "diffusers/callback.py"]
PAIR = PromptPair(source="a person", target="an old person")


class Bare:
    """As little of a method as there can be."""

    name = "bare"

    def learn(self, context):
        return "learned"

    def edit(self, record, tensors, core=None):
        return "edit"


def record(**changes: object) -> AttributeRecord:
    return AttributeRecord.model_validate(RECORD | changes)


def paper(**options: object) -> AttributeRecord:
    return record(vectors="paper", core=None, rank=None, units={}, paper=PaperOptions(**options).model_dump())


def test_what_a_method_leaves_out_has_a_default() -> None:
    method = completed(Bare())
    assert (method.name, method.learn(None), method.edit(None, {})) == ("bare", "learned", "edit")
    assert method.needs(record(), "mean", 1.0).nothing
    assert method.strengths(record()) == Strengths()
    assert method.cores(record()) == ()
    assert method.core_without_network(record()) == "mean"
    with pytest.raises(InvalidValueError, match="'bare' learns cannot be tuned") as caught:
        method.require_tunable(record())
    assert caught.value.hint


def test_what_a_method_says_counts_whether_or_not_it_derives_from_ours() -> None:
    class Says(Bare):
        def needs(self, record, core, strength):
            return Needs(predictions=3)

    assert completed(Says()).needs(record(), None, 1.0) == Needs(predictions=3)
    derived = Avi()
    assert completed(derived) is derived


@pytest.mark.parametrize(
    ("attribute", "core", "strength", "needs"),
    [
        (record(), "mean", 1.0, Needs()),
        (record(), "mlp", 1.0, Needs(looks=True)),
        (record(), "mlp", -1.0, Needs(looks=True)),
        (record(), "conv", 0.0, Needs(looks=True)),
        (record(), "conv", -0.1, Needs()),
        (record(t_x=0.4, delta_tau=-0.15), "own", 1.0, Needs(runs=(OtherRun(0.25, predicted=True),) * 2)),
        (paper(), None, 1.0, Needs()),
        (paper(z="own"), None, 0.5, Needs(runs=(OtherRun(0.2),))),
    ],
)
def test_avi_says_what_each_core_needs(attribute: AttributeRecord, core, strength: float, needs: Needs) -> None:
    found = Avi().needs(attribute, core, strength)
    assert found.looks == needs.looks
    assert [(pytest.approx(run.until), run.predicted) for run in needs.runs] == [tuple(run) for run in found.runs]


def test_the_papers_strengths_are_shares() -> None:
    Avi().strengths(record()).check("young", -7.0)
    for strength in (-0.1, 1.1):
        with pytest.raises(InvalidValueError, match=r"the paper's vectors, whose strength lies in \[0, 1\]"):
            Avi().strengths(paper()).check("young", strength)


def test_the_mean_is_what_does_without_the_network() -> None:
    assert Avi().core_without_network(record(core="conv", units={"mean": 1.0, "conv": 1.0})) == "mean"
    assert Avi().core_without_network(paper()) is None


@pytest.mark.parametrize("options", [{"rank": 3}, {"core": "mean"}, {"vectors": "difference"}, {"k": 2, "z": "own"}])
def test_options_that_a_method_does_not_understand_are_refused_by_name(options: dict[str, object]) -> None:
    method = completed(Bare())
    with pytest.raises(InvalidValueError, match=rf"{', '.join(sorted(options))}: nothing .* 'bare'") as caught:
        refuse_unknown(method, options)
    assert caught.value.hint
    refuse_unknown(Avi(), options)


def test_a_spec_made_by_hand_says_what_was_given_in_it() -> None:
    common = {"name": "old", "seeds": (0,), "t_x": 0.4, "delta_tau": -0.2}
    assert LearnSpec(**common, pairs=(PAIR,)).method_options == set()
    assert LearnSpec(**common, pairs=(PAIR,), rank=3, branch=0.9).method_options == {"rank", "branch"}
    assert LearnSpec(**common, pairs=(PAIR,), paper=PaperOptions(k=2)).method_options == {"k"}
    pictures = (PictureFiles(source="a.png", target="b.png"),)
    assert LearnSpec(**common, pictures=pictures).method_options == {"pictures"}


def test_a_preset_belongs_to_its_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attrbank.plugins.manager.PluginManager.method", lambda self, name: completed(Bare()))
    with pytest.raises(InvalidValueError, match="no preset"):
        learn_spec("old", ["a person"], ["an old person"], preset="paper")
    spec = learn_spec("old", ["a person"], ["an old person"])
    assert (spec.vectors, spec.t_x, spec.delta_tau) == (None, 0.4, -0.2)


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_engine_names_neither_cores_nor_vectors(path: Path) -> None:
    texts = {node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)}
    assert texts & {"mean", "mlp", "conv", "own", "difference", "paper"} == set()


def test_what_plans_ask_of_methods_takes_no_torch() -> None:
    code = "import sys, attrbank.methods.avi, attrbank.editing.plan; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_default_is_meant_for_somebody_elses_method() -> None:
    assert {name for name in vars(Avi) if not name.startswith("_")} <= {*vars(Method), "name"}
