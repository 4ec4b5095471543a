"""The tokenizer: CLIP's format, one token for each word of the grammar."""

from __future__ import annotations

import json
import re

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from lab.second_edition.captions import OPENINGS
from lab.second_edition.phrases import ALL

MAX_TOKENS = 64


def words() -> list[str]:
    """Every word of the grammar, sorted; "middle-aged" is two."""
    texts = (*OPENINGS, *(phrase.text for phrase in ALL), "a an and")
    return sorted({word for text in texts for word in re.findall("[a-z]+", text)})


def build_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer in which every word of the grammar, the comma and the hyphen are one token each."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=10_000, min_frequency=1, show_progress=False, end_of_word_suffix="</w>")
    learner.train_from_iterator([*words(), ",", "-"], trainer)
    merges = [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(f"{letter}</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)
