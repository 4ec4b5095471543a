"""The tokenizer: CLIP's format, one token for each word of the grammar."""

from __future__ import annotations

import re

from transformers import CLIPTokenizer

from lab.portraits.captions import OPENINGS
from lab.portraits.phrases import ALL
from lab.words import build_word_tokenizer

MAX_TOKENS = 64


def words() -> list[str]:
    """Every word of the grammar, sorted; "middle-aged" is two."""
    texts = (*OPENINGS, *(phrase.text for phrase in ALL), "a an and")
    return sorted({word for text in texts for word in re.findall("[a-z]+", text)})


def build_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer in which every word of the grammar, the comma and the hyphen are one token each."""
    return build_word_tokenizer([*words(), ",", "-"], MAX_TOKENS)
