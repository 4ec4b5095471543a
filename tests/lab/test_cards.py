"""Cards for a starter bank, out of an evaluation's figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from attrbank.evaluation.numbers.results import AttributeFigures, Curve, Figures, Point
from attrbank.store import cards
from attrbank.store.bank import Bank
from attrbank.store.layout import Layout
from lab.cards import main
from tests.helpers.artifacts import artifact
from tests.helpers.measured import PROTOCOL, a_card, around


def _figures(name: str, identity: str, competitor: str = "attribute") -> AttributeFigures:
    points = [
        Point(strength=strength, figures={"success": around(success)}, unet_evaluations=60, seconds=1)
        for strength, success in ((0.7, 0.5), (1.0, 0.8))
    ]
    curve = Curve(
        competitor=competitor,
        points=tuple(points),
        matched=a_card(identity).matched,
        monotonicity=1,
        smoothness=1,
        usable=(0.7, 1),
    )
    return AttributeFigures(
        name=name, id=identity, target="t", size_bytes=1, pictures=7, limit={}, unedited={}, curves=(curve,)
    )


def test_a_starter_bank_gets_the_cards_of_what_it_holds_and_of_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = Bank(tmp_path / "starter")
    young, hat = bank.add(artifact("young")), bank.add(artifact("hat"))
    (bank.path / "index.db").unlink()
    for before in ("e" * 64, hat.id):
        cards.put_card(Layout(bank.path), a_card(before))
    measured = (_figures("young", young.id), _figures("hat", hat.id, "target-prompt"), _figures("other", "d" * 64))
    figures = Figures(protocol=PROTOCOL, attributes=measured)
    (tmp_path / "figures.json").write_text(figures.model_dump_json())
    main(tmp_path / "figures.json", bank.path)
    assert "other@dddddddddddd" in capsys.readouterr().err
    layered = Bank(tmp_path / "mine", bank.path)
    assert {entry.name: entry.score for entry in layered.entries()} == {"young": 0.8, "hat": 0.9}
    assert {finding.state for finding in layered.verify()} == {"ok"}
