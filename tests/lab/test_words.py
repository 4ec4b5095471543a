"""The word tokenizer: one token a word, and the same numbers wherever it is built."""

from __future__ import annotations

import subprocess
import sys

from lab.words import build_word_tokenizer

KNOWN = ["that", "hat", "banana", "an", "ban", "hats", ","]


def test_each_known_word_is_one_token_and_others_are_spelled():
    tokenizer = build_word_tokenizer(KNOWN, 20)
    assert tokenizer.tokenize(" ".join(KNOWN)) == [f"{word}</w>" for word in KNOWN]
    assert tokenizer.tokenize("zoo") == ["z", "o", "o</w>"]


def test_another_process_gives_the_same_numbers():
    program = "import sys; from lab.words import build_word_tokenizer as b; print(b(sys.argv[1:], 20).get_vocab())"
    made = [
        subprocess.run([sys.executable, "-c", program, *KNOWN], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert len({str(sorted(eval(text).items())) for text in made}) == 1
