"""Figure 8: the paper's edit at ρ = 1 when one of the objective's four terms is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from attrbank.plugin import PAPER_LAMBDAS, OnProgress, Subject, Weights, draw_grid
from attrbank_findings.finding import Figures, Inspection, Model, png
from attrbank_findings.graft import Graft
from attrbank_findings.scene import Scene
from attrbank_findings.unedited import Readings, Unedited, told

LEFT_OUT = 1e-9
"""The weight of a term left out. At 0 the others may have several minima; this takes the one nearest to it."""

OBJECTIVES = {
    "all": PAPER_LAMBDAS,
    "no L1": replace(PAPER_LAMBDAS, target=LEFT_OUT),
    "no L2": replace(PAPER_LAMBDAS, source=LEFT_OUT),
    "no L3": replace(PAPER_LAMBDAS, target_spectrum=LEFT_OUT),
    "no L4": replace(PAPER_LAMBDAS, source_spectrum=LEFT_OUT),
}
WEIGHTS: tuple[Weights, ...] = ("blend", "s+ds")
"""Two readings of what the paper leaves open; at ρ = 1 the first takes S, the second S + Δs."""

SAME = 1e-5
"""Edits that differ by less, relative to their size, are one edit."""

COLUMNS = ("WEIGHTS", "TERMS", "MOVED", "SUCCESS", "FLIPS", "DISTANCE", "CHANGE")
SHOWN = ("success", "flips", "perceptual", "change")
PEOPLE = 3


class Ablated(Model):
    """The edit with some terms.

    Attributes:
        weights: which singular values it has.
        terms: what was left out.
        moved: how far its latents lie from those with all terms, relative to how far these lie from x.
        readings: what it did to the pictures.
    """

    weights: Weights
    terms: str
    moved: float
    readings: Readings


class AblationFigures(Figures):
    """Of one attribute.

    Attributes:
        pictures: how many lacked it.
        edits: every one.
    """

    attribute: str
    target: str
    pictures: int
    edits: tuple[Ablated, ...]


def inspect(scene: Scene, subject: Subject, on_progress: OnProgress) -> Inspection:
    """Make every edit and look at it.

    Raises:
        InvalidValueError: every picture has the attribute.
    """
    unedited = Unedited.of(scene).lacking(subject)
    graft, edits, stacks = Graft(unedited.bench, subject.target), list[Ablated](), [unedited.images[:PEOPLE]]
    for weights in WEIGHTS:
        for edit, images in _edits(graft, unedited, subject, weights):
            edits.append(edit)
            stacks.append(images[:PEOPLE])
            on_progress("grafting", len(edits), len(WEIGHTS) * len(OBJECTIVES))
    figures = AblationFigures(
        setting=scene.setting,
        attribute=subject.label,
        target=subject.target,
        pictures=len(unedited.images),
        edits=tuple(edits),
    )
    return Inspection(figures, COLUMNS, list(map(_row, edits)), partial(_pictures, stacks))


def _edits(graft: Graft, unedited: Unedited, subject: Subject, weights: Weights) -> Iterator[tuple[Ablated, Tensor]]:
    """The edit with each objective, and its pictures (B, 3, h, w)."""
    whole = graft.latents(1.0, weights)
    whole_images = graft.images(whole)
    for terms, lambdas in OBJECTIVES.items():
        latents = graft.latents(1.0, weights, lambdas)
        moved = ((latents - whole).norm() / (whole - graft.x).norm()).item()
        images = whole_images if moved < SAME else graft.images(latents)
        yield Ablated(weights=weights, terms=terms, moved=moved, readings=unedited.judged(subject, images)), images


def _row(edit: Ablated) -> tuple[str, ...]:
    return edit.weights, edit.terms, f"{edit.moved:.3g}", *told(edit.readings, SHOWN)


def _pictures(stacks: Sequence[Tensor]) -> dict[str, bytes]:
    """The first people: unedited, then with every objective, for each choice of singular values."""
    count = len(OBJECTIVES)
    captions = ["before", *(f"{weights}: {terms}" for weights in WEIGHTS for terms in OBJECTIVES)]
    return {"ablation": png(draw_grid(captions, stacks, gaps={1, 1 + count}))}
