"""A small grammar of everyday English for portraits, and the tokenizer that knows its words."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from attrbank.backbones.portraits.parameters import ATTRIBUTES

TALKATIVENESS, EMPTY, BARE, MAX_TOKENS = (0.4, 0.7, 0.9), 0.1, 0.1, 32

_OPENINGS = ("a photo of", "a photo of", "a portrait of", "a picture of", "an image of", "")
_NOUNS: dict[int | None, tuple[str, ...]] = {
    1: ("man", "man", "man", "guy", "gentleman"),
    0: ("woman", "woman", "woman", "lady"),
    None: ("person",),
}
_AGES: dict[int, tuple[str, ...]] = {1: ("old", "old", "elderly"), 0: ("young",)}
_ADJECTIVES: dict[str, dict[int, tuple[str, ...]]] = {
    "smiling": {1: ("smiling", "happy"), 0: ("serious",)},
    "beard": {1: ("bearded",), 0: ()},
}
_CLAUSES: dict[str, dict[int, tuple[str, ...]]] = {
    "smiling": {
        1: ("smiling", "smiling", "with a smile", "who is smiling"),
        0: ("serious", "serious", "not smiling", "without a smile", "with a serious face", "who is serious"),
    },
    "glasses": {
        1: ("with glasses", "with glasses", "wearing glasses", "in glasses"),
        0: ("without glasses", "without glasses", "no glasses"),
    },
    "hat": {
        1: ("with a hat", "with a hat", "wearing a hat", "in a hat"),
        0: ("without a hat", "without a hat", "no hat", "bareheaded"),
    },
    "beard": {
        1: ("with a beard", "with a beard", "wearing a beard"),
        0: ("without a beard", "without a beard", "no beard", "clean shaven"),
    },
}

Mentioned = Mapping[str, int]
"""The attributes that a caption names, each 0 or 1."""


def mention(attributes: Mapping[str, int], rng: random.Random) -> dict[str, int]:
    """The attributes that a caption will name: each with a probability of 0.6 on average.

    Some captions say little and some say nearly all. One in ten is bare, so that "a photo of a person" is as well
    known as the empty caption: where the two differ, guidance exaggerates it.
    """
    probability = 0.0 if rng.random() < BARE else rng.choice(TALKATIVENESS)
    return {name: attributes[name] for name in ATTRIBUTES if rng.random() < probability}


def caption(mentioned: Mentioned, rng: random.Random) -> str:
    """One way to say it: ``{"old": 1, "man": 1, "glasses": 1}`` to "a photo of an old man with glasses"."""
    left = dict(mentioned)
    noun = rng.choice(_NOUNS[left.pop("man", None)])
    adjectives = _take_adjectives(left, rng)
    if "old" in left:
        adjectives.append(rng.choice(_AGES[left.pop("old")]))
    phrase = " ".join([*adjectives, noun])
    article = "an" if phrase[0] in "aeiou" else "a"
    clauses = [rng.choice(_CLAUSES[name][value]) for name, value in left.items()]
    rng.shuffle(clauses)
    text = f"{rng.choice(_OPENINGS)} {article} {phrase}{_join(clauses, rng)}"
    return text.strip()


def _take_adjectives(left: dict[str, int], rng: random.Random) -> list[str]:
    taken = []
    for name in ("smiling", "beard"):
        choices = _ADJECTIVES[name].get(left.get(name, -1), ())
        if choices and rng.random() < 0.3:
            taken.append(rng.choice(choices))
            del left[name]
    return taken


def _join(clauses: list[str], rng: random.Random) -> str:
    """Clauses with commas, with "and", or one after the other."""
    if not clauses:
        return ""
    lead = rng.choice((" ", ", ")) if clauses[0].split()[0] in ("with", "without", "wearing", "in") else ", "
    separator = rng.choice((", ", " and "))
    return lead + separator.join(clauses)


class Description(NamedTuple):
    """A caption, and what it says."""

    text: str
    mentioned: Mentioned


def describe(attributes: Mapping[str, int], rng: random.Random) -> Description:
    """A random caption of a portrait; empty one time in ten, for classifier-free guidance."""
    if rng.random() < EMPTY:
        return Description("", {})
    mentioned = mention(attributes, rng)
    return Description(caption(mentioned, rng), mentioned)


def words() -> list[str]:
    """Every word of the grammar, sorted."""
    phrases = chain(
        _OPENINGS,
        *_NOUNS.values(),
        *_AGES.values(),
        *(options for values in (*_ADJECTIVES.values(), *_CLAUSES.values()) for options in values.values()),
    )
    return sorted({word for phrase in phrases for word in phrase.split()} | {"a", "an", "and"})


def build_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer in which every word of the grammar, and the comma, is one token."""
    known = [*words(), ","]
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=10_000, min_frequency=1, show_progress=False, end_of_word_suffix="</w>")
    learner.train_from_iterator(known, trainer)
    merges = _merges(learner)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(f"{letter}</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)


def _merges(learner: Tokenizer) -> list[tuple[str, str]]:
    return [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]
