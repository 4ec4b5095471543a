"""Whom a pair of prompts is about."""

from __future__ import annotations

import pytest

from attrbank.methods.subject import subject_of
from attrbank.schema.asked import PromptPair


@pytest.mark.parametrize(
    ("source", "target", "subject"),
    [
        ("a photo of a person", "a photo of a person, smiling", "person"),
        ("a photo of a person", "a photo of an old person", "person"),
        ("a photo of a serious man with a hat", "a photo of a smiling man with a hat", "man"),
        ("a woman, smiling, without glasses", "an old woman, smiling, without glasses", "woman"),
        ("A Portrait of a Dog in snow", "A Portrait of a sad Dog in snow", "dog"),
        ("a person", "a person with a hat", "person"),
        ("a man", "a woman", None),
        ("a photo", "a photo of a man", None),
        ("", "smiling", None),
    ],
)
def test_the_subject_is_the_noun_that_both_prompts_share(source: str, target: str, subject: str | None) -> None:
    assert subject_of(PromptPair(source=source, target=target)) == subject
