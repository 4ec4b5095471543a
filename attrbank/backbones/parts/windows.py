"""What of a prompt a model reads: each text encoder has a length, and says nothing of what it cuts off.

Plans ask this of every prompt, so that neither torch nor transformers is imported, and nothing at all for a prompt that
is short enough in any alphabet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attrbank import files
from attrbank.diffusion.spelling import TokenSpans
from attrbank.errors import IncompatibleError, InvalidValueError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

SPECIAL = 2
"""Tokens that stand around a prompt, at most."""

_USUAL = {"max_position_embeddings": 77, "hidden_size": 768}


class Window(NamedTuple):
    """What one text encoder takes.

    Attributes:
        tokenizer: the folder.
        length: in tokens, with those that stand around the prompt.
        width: of what it makes of each, where that is known.
    """

    tokenizer: Path
    length: int
    width: int = 0


def unread(prompt: str, windows: Sequence[Window]) -> str:
    """The words at the end of a prompt that no encoder reads; empty where all are read, or nobody can tell."""
    if not windows or any(len(prompt.encode(errors="replace")) <= window.length - SPECIAL for window in windows):
        return ""  # a token is a byte at least
    return min((_cut_off(prompt, window) for window in windows), key=len)


def clip_window(folder: Path, suffix: str) -> Window:
    """That of the CLIP encoder in ``text_encoder`` + suffix."""
    try:
        config = json.loads(files.read_text(folder / f"text_encoder{suffix}" / "config.json"))
        length, width = (int(config.get(key, usual)) for key, usual in _USUAL.items())
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):  # loading says what is wrong with it
        length, width = _USUAL.values()
    return Window(folder / f"tokenizer{suffix}", length, width)


def spans_of(prompt: str, encoding: Encoding, length: int) -> tuple[tuple[int, int], ...]:
    """For each of ``length`` positions the characters of the prompt that its token spells; the last place is an end's.

    Args:
        prompt: what is spelled.
        encoding: the prompt's tokens, with nothing cut off, and nothing filled up.
        length: of the sequence, with what begins and ends it.
    """
    cut = zip(encoding.offsets[: length - 1], encoding.special_tokens_mask, strict=False)
    spans = [(0, 0) if special else _trimmed(prompt, *span) for span, special in cut]
    return (*spans, *((0, 0) for _ in range(length - len(spans))))


def spans_of_loaded(prompt: str, tokenizer: Any, length: int) -> tuple[tuple[int, int], ...]:
    """The same of a tokenizer of transformers; raises as ``window_spans``."""
    return spans_of(prompt, _encoded(prompt, tokenizer), length)


def side_by_side(
    encoders: Iterable[tuple[str, int, tuple[tuple[int, int], ...]]], tensor: str
) -> tuple[TokenSpans, ...]:
    """What some text encoders make, each with its name, its width and its spans, as features of one tensor."""
    first, spelled = 0, []
    for name, width, spans in encoders:
        spelled.append(TokenSpans(name, tensor, (first, first + width), spans))
        first += width
    return tuple(spelled)


def unread_by_loaded(prompt: str, tokenizer: Any, length: int) -> str:
    """The words at the end that an encoder of ``length`` tokens does not read; raises as ``window_spans``."""
    return _behind(prompt, _encoded(prompt, tokenizer), length)


def _encoded(prompt: str, tokenizer: Any) -> Encoding:
    if not tokenizer.is_fast:
        raise IncompatibleError(f"A {type(tokenizer).__name__} does not tell where words stand.")
    with _valid_text():
        encoding: Encoding = tokenizer(prompt, truncation=False, padding=False, verbose=False).encodings[0]
    return encoding


def window_spans(prompt: str, window: Window) -> tuple[tuple[int, int], ...]:
    """The same of a text encoder that is known from its folder.

    Raises:
        IncompatibleError: its tokenizer cannot be read.
        InvalidValueError: the prompt is not valid Unicode.
    """
    try:
        tokenizer = _tokenizer(window.tokenizer)
    except Exception as error:  # what the library raises has no kind
        raise IncompatibleError(f"The tokenizer in {window.tokenizer} cannot be read: {error}.") from error
    with _valid_text():
        encoding = tokenizer.encode(prompt)
    return spans_of(prompt, encoding, window.length)


@contextmanager
def _valid_text() -> Iterator[None]:
    try:
        yield
    except (TypeError, UnicodeError) as error:
        raise InvalidValueError("A prompt is not valid Unicode text.") from error


def _trimmed(prompt: str, start: int, end: int) -> tuple[int, int]:
    """Without the spaces that some tokenizers count to a word."""
    said = prompt[start:end]
    start += len(said) - len(said.lstrip())
    return start, max(start, end - len(said) + len(said.rstrip()))


def _cut_off(prompt: str, window: Window) -> str:
    try:
        encoding = _tokenizer(window.tokenizer).encode(prompt)
    except Exception:  # what the library raises has no kind; loading says what is wrong with the tokenizer
        return ""
    return _behind(prompt, encoding, window.length)


def _behind(prompt: str, encoding: Encoding, length: int) -> str:
    if len(encoding.offsets) <= length:
        return ""
    begin = encoding.offsets[length - 1][0]  # the last place is the end token's
    while begin and not prompt[begin - 1].isspace():  # a word that is read in part is cut off
        begin -= 1
    return prompt[begin:]


@lru_cache(maxsize=8)
def _tokenizer(folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    if (folder / "tokenizer.json").is_file():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer
    return _clip_tokenizer(folder)


def _clip_tokenizer(folder: Path) -> Tokenizer:
    """Of ``vocab.json`` and ``merges.txt``, as transformers makes it of them."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    model = models.BPE.from_file(
        str(folder / "vocab.json"),
        str(folder / "merges.txt"),
        unk_token="<|endoftext|>",  # noqa: S106 — a token of text
        end_of_word_suffix="</w>",
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    end, start = ((token, tokenizer.token_to_id(token) or 0) for token in ("<|endoftext|>", "<|startoftext|>"))
    tokenizer.post_processor = processors.RobertaProcessing(end, start, trim_offsets=False, add_prefix_space=False)
    added = folder / "added_tokens.json"
    if added.is_file():
        tokenizer.add_tokens(list(json.loads(files.read_text(added))))
    return tokenizer
