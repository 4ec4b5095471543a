"""Attributes that others have published, in formats of their own, as ours."""

from __future__ import annotations

from pathlib import Path

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.errors import InvalidValueError
from attrbank.learning import attribute_control
from attrbank.names import check_word, validate_name
from attrbank.plugins.manager import load_plugins
from attrbank.text import printable


def is_foreign(path: Path) -> bool:
    """Whether a file is named like one of another format, which a bank does not take as it is."""
    return path.suffix.lower() in attribute_control.SUFFIXES


def converted(path: Path, *, name: str | None, backbone: str | None, word: str | None) -> LearnedAttribute:
    """The attribute in a file of Attribute Control. Only tensors are read of it, and nothing is run.

    Args:
        path: the file.
        name: what to call it; None is what the file is called.
        backbone: names a model with the text encoders that it was made for; no weights are loaded.
        word: at which it acts, such as *person*.

    Raises:
        InvalidValueError: what the file does not say is not given, or is of no use.
        NotFoundError: there is no such file, or no such backbone.
        CorruptArtifactError: it is not of that format.
        IncompatibleError: the backbone has other text encoders.
    """
    if backbone is None or word is None:
        raise InvalidValueError(
            f"{printable(str(path))} says neither for which text encoders it is nor for which word.",
            hint="Name a model that has them with --backbone, and the word with --on, as in --on person.",
        )
    check_word(word)
    published = attribute_control.read(path)
    called, model = validate_name(name or path.stem.lower()), load_plugins().describe(backbone)
    return LearnedAttribute(*attribute_control.bound(published, called, word, model))
