"""A tokenizer of CLIP's format that knows a given list of words, the same in every process and on every day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

Pair = tuple[str, str]


def build_word_tokenizer(known: Sequence[str], max_tokens: int) -> CLIPTokenizer:
    """A CLIP tokenizer in which each known word is one token; others are spelled."""
    merges = list(_merges(known))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(f"{letter}</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=max_tokens)


def _merges(known: Iterable[str]) -> Mapping[Pair, int]:
    """Pairs to be joined, with their rank, that make one piece of each word.

    A learned byte pair encoding breaks ties by chance, and another process would give words other numbers. Here each
    word adds what the pairs before it leave to be joined; later pairs rank lower, and so change no earlier word.
    """
    ranks: dict[Pair, int] = {}
    for word in known:
        while len(pieces := _pieces(word, ranks)) > 1:
            ranks[pieces[0], pieces[1]] = len(ranks)
    return ranks


def _pieces(word: str, ranks: Mapping[Pair, int]) -> list[str]:
    """What byte pair encoding makes of a word."""
    pieces = [*word[:-1], f"{word[-1]}</w>"]
    while known := [(ranks[pair], pair) for pair in pairwise(pieces) if pair in ranks]:
        _, pair = min(known)
        joined: list[str] = []
        for piece in pieces:
            if joined and (joined[-1], piece) == pair:
                joined[-1] += piece
            else:
                joined.append(piece)
        pieces = joined
    return pieces
