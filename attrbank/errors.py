"""Every error that attrbank raises on purpose, with its exit code.

::

    AttrbankError                 1   anything that went wrong
    ├── NotFoundError             3   no such attribute, sampler, backbone or method; or several
    ├── InvalidValueError         4   a bad name or value
    ├── CorruptArtifactError      5   bytes that are not what their hash or header says
    ├── BankBusyError             6   another process holds the bank
    ├── StorageError              7   disk full, read-only, unwritable, or the bank is a file
    ├── IncompatibleError         8   another backbone, latent shape or schema
    ├── PluginError               9   a plugin failed, or is missing
    ├── NumericError             10   NaN or infinity
    └── PartialError             11   some items failed

The parser's own errors exit with 2, Ctrl-C with 130.
"""

from __future__ import annotations

from typing import ClassVar


class AttrbankError(Exception):
    """Something went wrong.

    Args:
        message: one sentence that says what.
        hint: what the user can do about it, if anything; None is what mostly helps with errors of this kind.
    """

    exit_code: ClassVar[int] = 1
    usual_hint: ClassVar[str | None] = None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.usual_hint


class NotFoundError(AttrbankError):
    """A reference names nothing, or several things."""

    exit_code = 3


class InvalidValueError(AttrbankError):
    """A name or a value is outside what is allowed."""

    exit_code = 4


class CorruptArtifactError(AttrbankError):
    """An artifact's bytes are not what its hash or header promises."""

    exit_code = 5
    usual_hint = "Take it from a copy, or make it again; attrbank verify checks a whole bank."


class BankBusyError(AttrbankError):
    """Another process holds the bank's lock."""

    exit_code = 6


class StorageError(AttrbankError):
    """The disk is full, read-only or unwritable, or the bank is not a folder."""

    exit_code = 7
    usual_hint = "See that the path is right, that you may use it, and that the disk has room."


class IncompatibleError(AttrbankError):
    """Two things that do not fit: backbones, latent shapes or schema versions."""

    exit_code = 8


class PluginError(AttrbankError):
    """A plugin failed, or the plugin that is needed is missing."""

    exit_code = 9


class NumericError(AttrbankError):
    """A tensor holds NaN or infinity."""

    exit_code = 10


class PartialError(AttrbankError):
    """Some items of a batch failed; the others are done."""

    exit_code = 11
