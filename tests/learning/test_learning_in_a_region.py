"""A mask at learning: where it falls in the latent, who is given it, and what may then be left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

import attrbank
from attrbank.errors import InvalidValueError, NotFoundError, PluginError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute, learn_attributes
from attrbank.methods.avi import Avi
from attrbank.methods.protocol import Edit, LearnContext, Learned, Method
from attrbank.pictures.mask import region_of
from attrbank.plugin.contracts.method import tiny_backbone
from attrbank.plugins.manager import load_plugins
from attrbank.samplers.ddim import DDIM
from attrbank.schema.asked import LearnSpec, PromptPair
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from tests.cli.conftest import (
    Cli,
    bank as bank,  # noqa: PLC0414 — a fixture
    cli as cli,  # noqa: PLC0414
)

HEIGHT = WIDTH = 32


class Keeps(Method):
    """Learns the mask that it is given."""

    name = "keeps"
    options = frozenset({"mask", "component", "components"})
    lost = 0
    """How many of the attributes that were asked for it forgets."""

    def learn(self, context: LearnContext) -> Learned | tuple[Learned, ...]:
        mask = torch.ones(1, 1, 16, 16) if context.mask is None else context.mask
        first, count = context.spec.component, context.spec.components - self.lost
        found = [
            Learned({"mask": number * mask, "component": torch.tensor(float(number))})
            for number in range(first, first + count)
        ]
        return found[0] if context.spec.components == 1 else tuple(found)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> Edit:
        return lambda x, inputs, strength: x + strength * tensors["mask"] if strength else x


@pytest.fixture
def keeps(monkeypatch: pytest.MonkeyPatch) -> Method:
    method, plugins = Keeps(), load_plugins()
    monkeypatch.setattr(type(plugins), "method", lambda self, name: method if name == "keeps" else Avi())
    return method


def mask_file(path: Path, box: tuple[int, int, int, int], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    image = Image.new("L", size)
    image.paste(255, box)
    image.save(path)
    return path


def test_a_region_is_the_cells_of_the_latent_that_are_white_for_the_most_part(tmp_path: Path) -> None:
    region = region_of(mask_file(tmp_path / "mask.png", (4, 8, 10, 11)), tiny_backbone())
    expected = torch.zeros(1, 1, 16, 16)
    expected[..., 4:6, 2:5] = 1  # two pixels a cell; the last row is half white
    assert torch.equal(region, expected)


def test_a_mask_of_another_aspect_or_without_a_whole_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="not the aspect"):
        region_of(mask_file(tmp_path / "wide.png", (0, 0, 9, 9), (64, 32)), tiny_backbone())
    with pytest.raises(InvalidValueError, match="white in no cell"):
        region_of(mask_file(tmp_path / "thin.png", (5, 5, 6, 6)), tiny_backbone())
    with pytest.raises(NotFoundError):
        region_of(tmp_path / "none.png", tiny_backbone())


def learned(keeps: Method, **given: object):
    asked = {"steps": 4, "seeds": (3,), "method": "keeps", **given}
    spec = learn_spec("mouth", asked.pop("sources", ()), asked.pop("targets", ()), **asked)
    return learn_attribute(complete(spec, tiny_backbone()), keeps, tiny_backbone(), DDIM())


def test_a_method_is_given_the_region_and_the_component(keeps: Method, tmp_path: Path) -> None:
    file = mask_file(tmp_path / "mask.png", (0, 0, 16, 16))
    found = learned(keeps, mask=file, component=3)
    assert torch.equal(found.tensors["mask"], 3 * region_of(file, tiny_backbone()))
    assert float(found.tensors["component"]) == 3


def test_with_a_mask_there_need_be_no_target_nor_any_prompt(keeps: Method, tmp_path: Path) -> None:
    file, own = mask_file(tmp_path / "mask.png", (0, 0, 16, 16)), tiny_backbone().defaults.prompt
    assert learned(keeps, mask=file).record.pairs == (PromptPair(source=own, target=own),)
    one = learned(keeps, mask=file, sources=["a man"])
    assert one.record.pairs == (PromptPair(source="a man", target="a man"),)
    both = learned(keeps, mask=file, sources=["a man"], targets=["an old man"])
    assert both.record.pairs == (PromptPair(source="a man", target="an old man"),)


def test_without_a_mask_there_must_be_a_pair(keeps: Method) -> None:
    with pytest.raises(InvalidValueError, match="either from pairs of prompts or from pairs of pictures"):
        learn_spec("mouth", (), (), method="keeps")


def test_a_method_that_looks_at_no_region_refuses_the_mask(keeps: Method) -> None:
    with pytest.raises(InvalidValueError, match=r"component, mask: nothing that the method 'avi' understands"):
        learn_spec("mouth", ["a"], ["b"], method="avi", mask=Path("mask.png"), component=2)


def test_a_spec_without_a_mask_is_as_it_was() -> None:
    spec = LearnSpec(name="a", pairs=(PromptPair(source="a", target="b"),), seeds=(0,), t_x=0.4, delta_tau=-0.2)
    assert spec.method_options == set()


@pytest.mark.usefixtures("keeps")
def test_the_command_learns_from_a_mask_alone_and_draws_a_preview(
    cli: Cli, bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    file = mask_file(tmp_path / "mask.png", (0, 0, 16, 16))
    where = ("--method", "keeps", "--mask", str(file), "--seeds", "0", "--steps", "4", "--backbone", str(tiny_pipeline))
    done = cli("learn", "mouth", *where, "--component", "2")
    assert done.code == 0, done.err
    record = bank.record(bank.resolve("mouth"))
    assert record.pairs == (PromptPair(source="", target=""),)
    assert "three fresh seeds" in done.err
    assert "--keep" not in done.err  # nothing is compared, so nothing can come along
    assert cli("learn", "nose", "--method", "keeps", "--seeds", "0").code == 2


@pytest.mark.usefixtures("keeps")
def test_python_learns_from_a_mask_alone(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    file = mask_file(tmp_path / "mask.png", (0, 0, 16, 16))
    how = {"method": "keeps", "seeds": [0], "steps": 4, "preview": False}
    entry = attrbank.learn("mouth", mask=file, backbone=tiny_pipeline, bank=bank.path, **how)
    assert bank.record(entry).pairs == (PromptPair(source="", target=""),)
    for given in ({}, {"mask": file, "target": "a man"}):
        with pytest.raises(InvalidValueError):
            attrbank.learn("nose", backbone=tiny_pipeline, bank=bank.path, **how, **given)


SEVERAL = {"method": "keeps", "seeds": (0,), "steps": 4, "components": 3}


def test_several_components_are_attributes_of_their_own(keeps: Method) -> None:
    spec = complete(learn_spec("mouth", (), (), **SEVERAL), tiny_backbone())
    found = learn_attributes(spec, keeps, tiny_backbone(), DDIM())
    assert [attribute.record.name for attribute in found] == ["mouth-1", "mouth-2", "mouth-3"]
    assert [float(attribute.tensors["component"]) for attribute in found] == [1, 2, 3]
    assert learn_attribute(spec, keeps, tiny_backbone(), DDIM()).record.name == "mouth-1"


def test_what_several_components_exclude_is_refused(keeps: Method) -> None:
    with pytest.raises(InvalidValueError, match="give either component or components"):
        learn_spec("mouth", (), (), **SEVERAL, component=2)
    with pytest.raises(InvalidValueError, match="is not a name"):
        learn_spec("m" * 63, (), (), **SEVERAL)
    with pytest.raises(InvalidValueError, match="components: nothing that the method 'avi' understands"):
        learn_spec("mouth", (), (), **SEVERAL | {"method": "avi"})


def test_a_method_that_gives_less_than_was_asked_for_is_named(keeps: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keeps, "lost", 1)
    spec = complete(learn_spec("mouth", (), (), **SEVERAL), tiny_backbone())
    with pytest.raises(PluginError, match="method keeps gave 2 attributes, and not 3"):
        learn_attributes(spec, keeps, tiny_backbone(), DDIM())


@pytest.mark.usefixtures("keeps")
def test_the_command_stores_all_of_them_or_none(cli: Cli, bank: Bank, tiny_pipeline: Path) -> None:
    where = ("--method", "keeps", "--seeds", "0", "--steps", "4", "--backbone", str(tiny_pipeline), "--no-preview")
    assert cli("learn", "mouth-2", *where, "--component", "1").code == 0
    refused = cli("learn", "mouth", *where, "--components", "3")
    assert refused.code == 4
    assert "mouth-2" in refused.err
    assert [entry.name for entry in bank.entries()] == ["mouth-2"]
    done = cli("learn", "nose", *where, "--components", "2")
    assert done.out.split() == [bank.resolve(name).reference for name in ("nose-1", "nose-2")]
    told = json.loads(cli("learn", "nose", *where, "--components", "2", "--replace", "--json").out)
    assert [(item["name"], item["preview"]) for item in told] == [("nose-1", None), ("nose-2", None)]
