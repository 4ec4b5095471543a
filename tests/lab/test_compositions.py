"""Several attributes at once, as the README shows them."""

from __future__ import annotations

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import GOALS, flips, has_all, identity_error
from attrbank.store.bank import Bank
from lab.figures.compositions import COMPOSITIONS, composition, table
from lab.figures.people import People
from lab.stored import stored


def test_every_set_can_come_and_every_number_from_two_to_five_is_there() -> None:
    for names, _ in COMPOSITIONS:
        assert len({GOALS[name].value for name in names}) == len(names)
    assert {len(names) for names, _ in COMPOSITIONS} == {2, 3, 4, 5}


def test_one_attribute_twice_is_twice_the_attribute_by_every_rule_but_that_of_roots(
    bench: Bench, learned: LearnedAttribute
) -> None:
    people, acts = (
        People.seen(bench, OracleJudge("tuner", renders=8)),
        [bench.act(learned, 1.0, "mean"), bench.act(learned, 1.0, "mean")],
    )
    found = composition(people, ("old", "smile"), acts)
    before, after = people.before, people.after([bench.act(learned, 2.0, "mean")])
    expected = {
        "success": has_all(after, ("old", "smile")),
        "flips": flips(before, after, "age", "expression"),
        "identity": identity_error(before, after, "age", "expression"),
    }
    for figure, values in expected.items():
        sequence, total, root = (found["rules"][rule][figure]["value"] for rule in ("sequence", "sum", "root"))
        assert abs(sequence - values.float().mean().item()) < 1e-3
        assert abs(total - sequence) < 1e-3
    assert root != sequence  # of the identity error
    assert table([{"strength": 1.0, **found}]).splitlines()[-1].startswith("| old + smile at 1 | 2 | 3 | ")


def test_what_acts_on_the_way_is_measured_by_the_one_rule_that_fits(bench: Bench) -> None:
    acts = [bench.act(stored(Bank.starter(), name), 1.0) for name in ("old", "smile")]
    found = composition(People.seen(bench, OracleJudge("tuner", renders=8)), ("old", "smile"), acts)
    assert found["rules"].keys() == {"sequence"}
    head, _, row = table([{"strength": 1.0, **found}]).splitlines()
    assert head == "| | n | pictures | before | one after the other |"
    assert row.count("|") == head.count("|")
