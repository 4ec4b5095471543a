"""What ComfyUI asks of every node, and the one thing that a node without a page must not have."""

from __future__ import annotations

import inspect
from pathlib import Path

import attrbank_comfyui
import pytest
from attrbank_comfyui import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, bank
from attrbank_comfyui.bank import NONE

from attrbank.plugin import Bank

THEIRS = {"MODEL", "CLIP", "LATENT", "IMAGE", "SIGMAS", "INT", "FLOAT", "STRING", "BOOLEAN"}
OURS = {"ATTRBANK_ATTRIBUTES"}


@pytest.mark.parametrize("name", NODE_CLASS_MAPPINGS)
def test_a_node_says_what_comfyui_asks_for(name: str, made) -> None:
    node = NODE_CLASS_MAPPINGS[name]
    inputs = node.INPUT_TYPES()
    assert set(inputs) <= {"required", "optional"}
    given = {key: spec for group in inputs.values() for key, spec in group.items()}
    for kind, *options in given.values():
        assert isinstance(kind, list) or kind in THEIRS | OURS
        assert all(isinstance(option, dict) for option in options)
    assert isinstance(node.RETURN_TYPES, tuple)
    assert set(node.RETURN_TYPES) <= THEIRS | OURS
    assert len(getattr(node, "RETURN_NAMES", node.RETURN_TYPES)) == len(node.RETURN_TYPES)
    assert node.CATEGORY == "attrbank"
    taken = list(inspect.signature(getattr(node(), node.FUNCTION)).parameters.values())
    assert {parameter.name for parameter in taken} == set(given)
    needed = {parameter.name for parameter in taken if parameter.default is parameter.empty}
    assert needed == set(inputs["required"])


def test_every_node_has_a_name_to_show() -> None:
    assert NODE_DISPLAY_NAME_MAPPINGS.keys() == NODE_CLASS_MAPPINGS.keys()


def test_nothing_is_added_to_the_page(packaged: Path) -> None:
    assert not hasattr(attrbank_comfyui, "WEB_DIRECTORY")
    assert {path.suffix for path in packaged.rglob("*") if path.is_file() and path.parent.name != "__pycache__"} == {
        ".py"
    }


def test_the_menu_is_the_bank(made) -> None:
    assert NODE_CLASS_MAPPINGS["AttrbankLoad"].INPUT_TYPES()["required"]["attribute"] == (
        ["odd", "old", "older", "onward"],
    )


def test_the_embedded_models_attributes_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ATTRBANK_BANK", str(tmp_path))
    assert Bank.open(None).names(), "the starter bank is there"
    assert bank.names() == [NONE]


def test_an_empty_bank_says_so(tmp_bank: Bank) -> None:
    load = NODE_CLASS_MAPPINGS["AttrbankLoad"]
    assert load.INPUT_TYPES()["required"]["attribute"] == ([NONE],)
    assert load.IS_CHANGED(NONE, strength=1.0) == ""


def test_an_attribute_that_is_learned_anew_is_loaded_anew(made, tmp_bank: Bank) -> None:
    assert NODE_CLASS_MAPPINGS["AttrbankLoad"].IS_CHANGED("old", strength=1.0) == tmp_bank.resolve("old").id
