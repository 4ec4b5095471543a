"""A fleet learns what single learns do, for less; it goes on where it was, and one failure stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError, NumericError, StorageError
from attrbank.learning.fleet import work as fleet_work
from attrbank.learning.fleet.read import SheetError, read_fleet
from attrbank.learning.fleet.run import Run
from attrbank.learning.fleet.writer import Outcome
from attrbank.learning.request import learn_spec
from attrbank.learning.run import learn, made
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from tests.helpers.counted import counting

TARGETS = {"old": "an old person", "young": "a young person", "hat": "a person with a hat", "woman": "a woman"}
DEFAULTS = '[defaults]\nsource = "a person"\nseeds = "0-3"\nsteps = 10\ncore = "mean"\nforce = true\n'


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    return Bank(tmp_path / "bank")


def sheet(folder: Path, text: str, name: str = "a.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def four(model: Path) -> str:
    tables = (f'[attributes.{name}]\ntarget = "{target}"\n' for name, target in TARGETS.items())
    return f"{DEFAULTS}backbone = '{model}'\n" + "".join(tables)


def learned(bank: Bank, path: Path, **how: object) -> Sequence[Outcome]:
    return Run(bank=bank.path, **how)(read_fleet(path, bank.path))


def test_it_learns_the_same_bits_as_single_learns_for_at_most_the_shared_part_less(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    model, count = load_plugins().backbone(str(tiny_pipeline)), len(TARGETS)
    alone = Bank(tmp_path / "alone")
    with counting(model) as rows:
        for name, target in TARGETS.items():
            spec = learn_spec(name, ["a person"], [target], seeds=range(4), steps=10, core="mean")
            learn(spec, backbone=model, bank=alone.path, force=True)
        single = rows()
    with counting(model) as rows:
        outcomes = learned(bank, sheet(tmp_path, four(tiny_pipeline)))
        assert rows() <= (1 + count) / (2 * count) * single
    assert [outcome.status for outcome in outcomes] == ["learned"] * count
    assert {entry.id for entry in bank.entries()} == {entry.id for entry in alone.entries()}


def test_it_goes_on_where_it_was_stopped_and_learns_nothing_twice(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    path = sheet(tmp_path, four(tiny_pipeline))
    seen: list[Outcome] = []

    def stopped(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learned(bank, path, on_ended=stopped)
    begun = read_fleet(path, bank.path)
    assert [order.spec.name for order in begun.orders] == ["hat", "woman"]
    assert list(begun.there) == [bank.resolve(name).reference for name in ("old", "young")]
    learned(bank, path)
    assert not read_fleet(path, bank.path).orders


def test_what_the_bank_has_otherwise_is_refused_with_its_line_unless_it_is_to_be_replaced(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    learned(bank, sheet(tmp_path, four(tiny_pipeline)))
    for old, new in (('"a woman"', '"an old woman"'), ("0-3", "0-4"), ("steps = 10", "steps = 12")):
        changed = sheet(tmp_path, four(tiny_pipeline).replace(old, new), "b.toml")
        with pytest.raises(InvalidValueError, match=r"learned otherwise|4 of 4 attributes"):
            read_fleet(changed, bank.path)
        assert read_fleet(changed, bank.path, replace=True).orders


def test_one_failure_stops_no_other_and_is_told_with_its_line(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(spec, model, **how):
        if spec.name == "young":
            raise NumericError("What the unet made is not finite.")
        return made(spec, model, **how)

    monkeypatch.setattr(fleet_work, "made", failing)
    path = sheet(tmp_path, four(tiny_pipeline))
    outcomes = learned(bank, path)
    assert [outcome.status for outcome in outcomes] == ["learned", "failed", "learned", "learned"]
    assert outcomes[1].error == "a.toml, line 10, young: What the unet made is not finite."
    monkeypatch.undo()
    monkeypatch.setattr("attrbank.store.bank.starter_bank", lambda: None)
    assert [outcome.name for outcome in learned(bank, path)] == ["young"]


def test_a_bank_that_cannot_be_written_ends_it(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self, data, **how):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(Bank, "add", full)
    with pytest.raises(StorageError, match=r"a\.toml, line 8, old: The disk is full"):
        learned(bank, sheet(tmp_path, four(tiny_pipeline)))


def test_those_that_share_their_sources_stand_beside_each_other(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    text = four(tiny_pipeline).replace("[attributes.young]\n", '[attributes.young]\nseeds = "4-7"\n')
    orders = read_fleet(sheet(tmp_path, text), bank.path).orders
    assert [order.spec.name for order in orders] == ["old", "hat", "woman", "young"]


def test_tags_and_notes_are_kept_beside_the_attribute(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    old = "[attributes.old]\ntarget = 'an old person'\ntags = 'age'\nnote = 'x y'\n"
    text = f"{DEFAULTS}backbone = '{tiny_pipeline}'\n{old}"
    learned(bank, sheet(tmp_path, text))
    said = bank.annotations.of(bank.resolve("old"))
    assert (said.tags, said.note) == (("age",), "x y")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("taget = 'x'", r"line 9, old: taget is no key"),
        ("steps = 0", r"line 9, old: steps must"),
        ("t_x = 2", r"line 9, old: t_x must"),
        ("seeds = '5-'", r"line \d, old: .*seeds"),
        ("tags = 'Not A Tag'", r"line 9, old: tags"),
        ("tune = 'perhaps'", r"line 9, old: tune"),
        ("judge = 'self'", r"old: judge and goal belong to tune"),
        ("source = []", r"old: Give source and target"),
        ("target = []", r"line 8, old: Give source and target"),
        ("keep = 7", r"line 9, old: keep"),
        ("method = 'none'", r"old: .*no method"),
        ("backbone = '/not/there'", r"line 9, old: backbone: "),
        ("rank = 1\nk = 3", r"old: "),
    ],
)
def test_what_cannot_be_learned_as_it_is_written_is_refused_with_its_line_before_anything_runs(
    line: str, complaint: str, bank: Bank, tiny_pipeline: Path, tmp_path: Path
) -> None:
    model = "" if line.startswith("backbone") else f"backbone = '{tiny_pipeline}'\n"
    text = f"{DEFAULTS}{model or chr(10)}[attributes.old]\n{line}\n"
    text += "" if line.startswith(("source", "target")) else "target = 'an old person'\n"
    with pytest.raises(AttrbankError, match=complaint):
        read_fleet(sheet(tmp_path, text), bank.path)
    assert not bank.path.exists()


def test_of_several_mistakes_each_is_told(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    text = f"{four(tiny_pipeline)}steps = 0\n[attributes.x]\ntarget = 'a hat'\nseeds = 'x'\n"
    with pytest.raises(SheetError, match=r"2 of 5 attributes in a\.toml cannot be learned") as caught:
        read_fleet(sheet(tmp_path, text), bank.path)
    assert ["woman" in caught.value.errors[0].message, " x: " in caught.value.errors[1].message] == [True, True]


def test_a_name_of_csv_is_given_once(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    rows = ("name,source,target,backbone", *(f"old,a {who},an old {who},{tiny_pipeline}" for who in ("person", "man")))
    text = "\n".join(rows)
    with pytest.raises(InvalidValueError, match=r"a\.csv, line 3: old is named a second time"):
        read_fleet(sheet(tmp_path, text, "a.csv"), bank.path)


def test_pictures_lie_where_the_file_lies(bank: Bank, tiny_pipeline: Path, tmp_path: Path) -> None:
    text = f"name,source_image,target_image,backbone\nold,a.png,b.png,{tiny_pipeline}\n"
    with pytest.raises(NotFoundError, match=rf"line 2, old: There is no picture {tmp_path}/a\.png"):
        read_fleet(sheet(tmp_path, text, "a.csv"), bank.path)


def test_the_example_names_sixty_and_can_be_learned_as_it_is_written(bank: Bank) -> None:
    orders = read_fleet(Path(__file__).parents[3] / "examples" / "attributes.toml", bank.path).orders
    assert len(orders) == 60
    assert sum(len(order.spec.pairs) == 5 for order in orders) == 44


def test_a_model_is_loaded_once(
    bank: Bank, tiny_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = type(load_plugins()).backbone
    monkeypatch.setattr(
        type(load_plugins()), "backbone", lambda self, *given: (loads.append(given[0]), load(self, *given))[1]
    )
    fleet = read_fleet(sheet(tmp_path, four(tiny_pipeline)), bank.path)
    Run(bank=bank.path)(replace(fleet, orders=fleet.orders[:2]))
    assert loads == [str(tiny_pipeline)]
