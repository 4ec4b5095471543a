"""Strengths and what methods make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from attrbank.attribute.artifact import LearnedAttribute, decode, encode
from attrbank.attribute.calibration import calibration_of, raw_strength
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.run import apply
from attrbank.names import Asked
from attrbank.plugin.testing import fake_attribute, tiny_backbone, tmp_bank
from attrbank.schema.stored import Calibration
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

__all__ = ["fake_attribute", "tiny_backbone", "tmp_bank"]  # fixtures

KNOWN = {"core": "mean", "low": 0.0, "high": 1.5, "judge": "tuner", "seeds": (1000,)}
BENT = Calibration(strengths=(0.0, 0.25, 1.0), raw=(0.0, 0.5, 0.8), **KNOWN)


def test_without_a_calibration_strength_is_what_it_is() -> None:
    assert raw_strength(None, 0.7) == 0.7


@pytest.mark.parametrize(("strength", "raw"), [*zip(BENT.strengths, BENT.raw, strict=True)])
def test_measured_points_are_met_exactly(strength: float, raw: float) -> None:
    assert raw_strength(BENT, strength) == raw


def test_more_strength_is_always_more() -> None:
    strengths = [i / 20 for i in range(-40, 60)]
    raws = [raw_strength(BENT, strength) for strength in strengths]
    assert raws == sorted(set(raws))


@pytest.mark.parametrize("strength", [-1.0, -0.25, 1.5, 3.0])
def test_outside_strengths_are_in_proportion_to_the_full_effect(strength: float) -> None:
    assert raw_strength(BENT, strength) == pytest.approx(0.8 * strength)


@pytest.mark.parametrize(
    "points",
    [
        {"strengths": (0.0, 1.0), "raw": (0.1, 1.0)},  # strength 0 would edit
        {"strengths": (0.0, 1.0, 0.5), "raw": (0.0, 1.0, 1.2)},
        {"strengths": (0.0, 0.5, 1.0), "raw": (0.0, 1.0, 1.0)},
        {"strengths": (0.0, 1.0), "raw": (0.0, 1.0, 2.0)},
        {"strengths": (0.0, 0.5), "raw": (0.0, 1.0)},  # nobody knows what 1 is
        {"strengths": (0.0,), "raw": (0.0,)},
    ],
)
def test_what_is_no_map_is_refused(points: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValidationError):
        Calibration(**points, **KNOWN)


@pytest.fixture
def calibrated(tmp_bank: Bank, fake_attribute: Entry) -> Entry:
    """``fake_attribute`` with ``BENT`` as the meaning of its mean core's strengths."""
    learned = decode(tmp_bank.read(fake_attribute))
    record = learned.record.model_copy(update={"core": "mean", "calibration": BENT})
    return tmp_bank.add(encode(LearnedAttribute(record, learned.tensors)), replace=True)


def test_other_cores_are_not_calibrated(tmp_bank: Bank, calibrated: Entry) -> None:
    record = tmp_bank.record(calibrated)
    assert calibration_of(record, None) == BENT
    assert calibration_of(record, "mlp") is None


@pytest.fixture
def request_of(tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Requests for ``old`` on the model that it claims to have been learned on."""
    monkeypatch.setattr("attrbank.editing.plan.check_binding", lambda *anything, **more: None)

    def request(strength: float, *, raw: bool = False) -> ApplyRequest:
        common = {"backbone": str(tiny_pipeline), "steps": 5, "output": tmp_path / f"{strength}{raw}.png"}
        return ApplyRequest(references=(Asked("old", strength),), raw=raw, **common)

    return request


def test_apply_edits_by_the_calibrated_strength(calibrated: Entry, request_of) -> None:
    by_meaning = apply(request_of(0.25)).after
    assert torch.equal(by_meaning, apply(request_of(0.5, raw=True)).after)
    assert not torch.equal(by_meaning, apply(request_of(0.25, raw=True)).after)


def test_a_strength_beyond_the_range_earns_a_warning(calibrated: Entry, request_of) -> None:
    assert "outside the range 0 to 1.5" in " ".join(plan(request_of(1.6)).warnings)
    assert not any("range" in warning for warning in plan(request_of(1.5)).warnings)
    assert not any("range" in warning for warning in plan(request_of(1.6, raw=True)).warnings)
