"""Where edits fall short: how suddenly they come, and against a prompt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from attrbank.evaluation.judges.readings import Pictures
from lab.figures.people import People
from lab.figures.shortfalls import against, early_switches, largest_steps, switch_table, table
from tests.helpers.readings import showing


class Walking:
    """Pictures that are logits of a hat: one rises evenly, one jumps half-way, one has a hat, one never gets any."""

    starts = torch.tensor([-1.0, -1.0, 2.0, -9.0])

    def __init__(self, rows: Tensor | None = None) -> None:
        self.rows = torch.ones(4, dtype=torch.bool) if rows is None else rows

    def only(self, rows: Tensor) -> Walking:
        return Walking(rows)

    def act(self, attribute, strength: float) -> float:
        return strength

    def edited(self, acts: list[float]) -> Tensor:
        gains = torch.tensor([2 * acts[0] ** 0.5, 2.0 * (acts[0] >= 0.5), 0.0, acts[0] ** 0.5])
        return (self.starts + gains)[self.rows]

    def switched(self, target: str, time: float) -> Tensor:
        return self.starts[self.rows] + (2.0 if time > 0.95 else 0.0)

    def images(self, latents: Tensor) -> Tensor:
        return latents

    @property
    def unedited(self) -> Tensor:
        return self.starts[self.rows]

    def look(self, images: Tensor) -> Pictures:
        features = images[:, None, None, None]  # whose squared distance grows evenly for the first picture
        return showing(images, "hat", features=[features])


@pytest.fixture
def people() -> People:
    return People.seen(Walking(), Walking())


def test_the_largest_of_ten_even_steps_is_a_tenth_and_a_jump_is_all(people: People) -> None:
    found = largest_steps(people, "hat", None)
    assert found["pictures"] == 3
    assert found["least"] == pytest.approx(0.1, abs=1e-5)
    assert found["most"] == pytest.approx(1.0)


def test_success_against_a_prompt_counts_the_pictures_that_heed_it(people: People) -> None:
    found = against(people, "hat", None)
    assert (found["pictures"], round(found["success"]["value"], 3)) == (3, 0.667)


def test_early_switches_are_told_by_their_time(people: People) -> None:
    found = early_switches(people)
    assert [round(times["success"]["value"], 3) for times in found["times"].values()] == [0.0, 0.667]
    assert switch_table({"switches": found}).splitlines()[-1].startswith("| hat | 3 | 0.00 [")


def test_the_table_has_a_line_for_every_attribute(people: People) -> None:
    found = {"steps": largest_steps(people, "hat", None), "against": against(people, "hat", None)}
    *_, row = table({"attributes": {"hat": found}}).splitlines()
    assert row.startswith("| hat | 3 | ")
    assert "a photo of a person, without a hat" in row
