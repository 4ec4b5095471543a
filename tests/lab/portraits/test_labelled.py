"""The labelled pictures are there, and the detector misses little of what people see."""

from __future__ import annotations

from attrbank.evaluation.judges.oracle import load_damage
from lab.portraits.labelled import labels, main, pictures


def test_what_looks_damaged_is_seen(capsys):
    shown, said = pictures(), labels()
    assert shown.shape == (120, 3, 128, 128)
    assert len(said) == 120
    assert load_damage().sees(shown)[said].float().mean() > 0.85
    main()
    assert "agreement: " in capsys.readouterr().out
