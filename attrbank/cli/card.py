"""What was measured of an attribute, and what was tried, as lines to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrbank.cli import terminal
from attrbank.names import format_seeds

if TYPE_CHECKING:
    from attrbank.schema.measured import Card, Estimate
    from attrbank.schema.stored import AttributeRecord, Trial


def card_facts(card: Card) -> Iterator[tuple[str, str]]:
    """What was measured, on what, and how."""
    how = card.protocol
    yield "judged by", f"{how.judge}, on {card.pictures} pictures that lacked it, seeds {how.seeds}"
    yield "judged under", f"{how.prompt} (protocol {how.hash})"
    yield "judged with", f"{how.sampler}, {how.steps} steps, guidance_scale {terminal.number(how.guidance_scale)}"
    if card.full:
        yield "at strength 1", _figures(card.full)
    matched = card.matched
    place = "at success .95" if matched.reached else "at its best"
    yield place, f"strength {matched.strength:.2f}: {_figures(matched.figures)}"
    if card.limit:
        yield "perfect edit", ", ".join(f"{name} {value:.3g}" for name, value in card.limit.items())
    yield (
        "comes whole",
        "at strengths from {:.3g} to {:.3g}".format(*card.usable) if card.usable else "at no strength that was tried",
    )


def tuning_facts(record: AttributeRecord) -> Iterator[tuple[str, str]]:
    """Who chose core and time, what was chosen, and what else was tried; nothing of an attribute that nobody tuned."""
    tuning, calibration = record.tuning, record.calibration
    if tuning is None or calibration is None:
        return
    eyes = tuning.judge if tuning.oracle else f"{tuning.judge}, which is no oracle"
    yield "tuned by", f"{eyes}, on the seeds {format_seeds(calibration.seeds)}"
    yield "chosen", _trial(tuning.trials[tuning.chosen])
    for number, trial in enumerate(tuning.trials):
        if number != tuning.chosen:
            yield "also tried", _trial(trial)


def _trial(trial: Trial) -> str:
    figures = ", ".join(f"{name} {value:.3g}" for name, value in trial.figures.items())
    place = "at times of its own" if trial.t_x is None else f"at T_x {trial.t_x:g}"
    return f"{trial.core or 'its edit'} {place}: {figures}"


def _figures(figures: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{name} {f.value:.3g} [{f.low:.3g}, {f.high:.3g}]" for name, f in figures.items())
