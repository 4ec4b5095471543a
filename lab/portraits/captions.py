"""Captions of portraits in everyday English: a random subset of what is true, in a random order and wording."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from lab.portraits.phrases import (
    AGES,
    BEARD_ADJECTIVES,
    BEARDS,
    BUILDS,
    CLOTHES,
    EARRINGS,
    GLASSES,
    GROUNDS,
    HAIR,
    HAIR_ADJECTIVES,
    HATS,
    MOOD_ADJECTIVES,
    MOOD_CLAUSES,
    NOUNS,
    Phrase,
    Values,
)

OPENINGS = ("a photo of", "a photo of", "a portrait of", "a picture of", "an image of", "a drawing of", "")
EMPTY, BARE, TALKATIVENESS = 0.1, 0.1, (0.15, 0.35, 0.6, 0.9)
"""The share of captions that are empty, for classifier-free guidance; of those that say "a photo of a person"; and
with what probability each thing is mentioned in the others."""

_ADJECTIVES = (BEARD_ADJECTIVES, HAIR_ADJECTIVES, MOOD_ADJECTIVES)
_TOPICS = (
    (MOOD_CLAUSES, 1.0),
    (BEARDS, 1.0),
    (HAIR, 1.0),
    (GLASSES, 1.0),
    (HATS, 1.0),
    (EARRINGS, 0.7),
    (CLOTHES, 0.8),
    (GROUNDS, 0.7),
    (BUILDS, 0.25),
)
"""What a clause can be about, and how readily it is mentioned."""


class Description(NamedTuple):
    """A caption, and the phrases that it is made of."""

    text: str
    phrases: tuple[Phrase, ...]


def describe(values: Values, rng: random.Random) -> Description:
    """A random caption of a portrait; empty one time in ten, and bare one time in ten.

    Bare captions are frequent so that "a photo of a person" is as well known as the empty one: where the two differ,
    guidance exaggerates it.
    """
    if rng.random() < EMPTY:
        return Description("", ())
    if rng.random() < BARE:
        return Description(f"{rng.choice(OPENINGS)} a person".strip(), (NOUNS[0],))
    return _caption(values, rng, rng.choice(TALKATIVENESS))


def _caption(values: Values, rng: random.Random, talk: float) -> Description:
    adjectives, covered = [], set()
    for number, group in enumerate(_ADJECTIVES):
        if rng.random() < 0.3 * talk and (found := _one_of(group, values, rng)):
            adjectives.append(found)
            covered.add(number)
    if rng.random() < talk and (found := _one_of(AGES, values, rng)):
        adjectives.append(found)
    noun = (_one_of(NOUNS, values, rng) if rng.random() < 0.3 + 0.7 * talk else None) or NOUNS[0]
    clauses = _clauses(values, rng, talk, covered)
    rng.shuffle(clauses)
    phrase = " ".join(part.text for part in (*adjectives, noun))
    text = f"{rng.choice(OPENINGS)} {_article(phrase)} {phrase}{_join(clauses, rng)}"
    return Description(text.strip(), (*adjectives, noun, *clauses))


def _clauses(values: Values, rng: random.Random, talk: float, covered: set[int]) -> list[Phrase]:
    """One clause about each thing that is mentioned and was not said by an adjective before."""
    said = {id(clause) for number, clause in enumerate((BEARDS, HAIR, MOOD_CLAUSES)) if number in covered}
    found = []
    for group, readiness in _TOPICS:
        if id(group) not in said and rng.random() < talk * readiness:
            phrase = _one_of(group, values, rng)
            found += [phrase] if phrase else []
    return found


def _one_of(group: Sequence[Phrase], values: Values, rng: random.Random) -> Phrase | None:
    """One of the phrases that are true, if there are any."""
    true = [phrase for phrase in group if phrase.fits(values)]
    return rng.choice(true) if true else None


def _article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" else "a"


def _join(clauses: Sequence[Phrase], rng: random.Random) -> str:
    """Clauses with commas, with "and", or one after the other."""
    if not clauses:
        return ""
    texts = [clause.text for clause in clauses]
    lead = rng.choice((" ", ", ")) if texts[0].split()[0] in ("with", "without", "wearing", "in", "on") else ", "
    return lead + rng.choice((", ", " and ")).join(texts)
