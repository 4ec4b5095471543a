"""Perfect edits: the same scene with one trait of one person changed, and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import NamedTuple

from attrbank_avatars.truth import values_of
from torch import Tensor

from lab.avatars.cutouts import Cutouts, draw
from lab.avatars.figures import Figure, draw_figure
from lab.avatars.scenes import Scene, draw_scene, paint_all
from lab.avatars.styles import STYLES


class Counterfactuals(NamedTuple):
    """Pairs of scenes that differ in one trait of one person.

    Shapes:
        before: (N, 3, SIZE, SIZE), uint8.
        after: the same.
    """

    before: Tensor
    after: Tensor
    scenes: list[Scene]
    cutouts: Cutouts


def draw_counterfactuals(trait: str, was: str, becomes: str, count: int, seed: int) -> Counterfactuals:
    """``count`` people who are ``was``, alone in their pictures, and the same when they are ``becomes``.

    Only styles that know both values take part. Needs node, as ``cutouts.draw`` does.

    Raises:
        ValueError: no style knows both values.
    """
    rng = random.Random(f"{seed} {trait} {was} {becomes}")  # noqa: S311 — pictures, not secrets
    styles = [style for style in STYLES if _knows(style, trait, was) and _knows(style, trait, becomes)]
    if not styles:
        raise ValueError(f"No style can change {trait} from {was} to {becomes}.")
    figures: list[Figure] = []
    while len(figures) < count:
        figure = draw_figure(rng.choice(styles), rng).with_trait(trait, was)
        if _can_be_seen(trait, figure, figure.with_trait(trait, becomes)):
            figures.append(figure)
    cutouts = draw([*figures, *(figure.with_trait(trait, becomes) for figure in figures)])
    scenes = [_alone(number, cutouts, rng) for number in range(count)]
    changed = [
        replace(scene, places=(replace(scene.places[0], figure=scene.places[0].figure + count),)) for scene in scenes
    ]
    return Counterfactuals(paint_all(scenes, cutouts), paint_all(changed, cutouts), scenes, cutouts)


def _knows(style: str, trait: str, value: str) -> bool:
    return value in values_of(style, trait)


def _can_be_seen(trait: str, before: Figure, after: Figure) -> bool:
    """Whether the change shows, as a bun under a hat does not, and nothing beside it.

    Some heads of Open Peeps are always black: another colour of hair would be another cut.
    """
    shown = before.seen().get(trait) == before.traits[trait] and after.seen().get(trait) == after.traits[trait]
    return shown and (trait != "hair" or before.options().get("head") == after.options().get("head"))


def _alone(number: int, cutouts: Cutouts, rng: random.Random) -> Scene:
    return draw_scene({cutouts.figures[number].style: [number]}, rng, pairs=0.0)
