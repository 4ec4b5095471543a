"""What is true of a scene, in the words that captions are made from and that judges answer."""

from __future__ import annotations

from collections.abc import Sequence

from attrbank_avatars.truth import SIDED

from lab.avatars.figures import Figure
from lab.avatars.scenes import Place, Scene


def about_person(figure: Figure, place: Place) -> dict[str, str]:
    """What a viewer sees of a figure at its place; what lies between two words is left out."""
    found = figure.seen()
    if place.x < 0.4 or place.x > 0.6:
        found["side"] = "left" if place.x < 0.4 else "right"
    elif 0.46 < place.x < 0.54:
        found["side"] = "middle"
    if place.scale < 0.62 or place.scale > 0.82:
        found["size"] = "small" if place.scale < 0.62 else "large"
    if figure.style in SIDED:
        found["looks"] = "left" if place.flipped else "right"
    return found


def about_people(scene: Scene, figures: Sequence[Figure]) -> list[dict[str, str]]:
    """``about_person`` of each person, from left to right; of two, sizes mean nothing."""
    found = [about_person(figures[place.figure], place) for place in scene.places]
    if len(found) > 1:
        for person in found:
            person.pop("size", None)
    return found


def about_picture(scene: Scene, figures: Sequence[Figure]) -> dict[str, str]:
    """What is true of the whole picture."""
    return {
        "style": figures[scene.places[0].figure].style,
        "ground": scene.ground,
        "pattern": scene.pattern,
        "people": "one" if len(scene.places) == 1 else "two",
    }
