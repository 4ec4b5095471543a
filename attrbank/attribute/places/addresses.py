"""Which place it is that the user has written down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrbank import files
from attrbank.attribute.places.folder import Folder, alone_in
from attrbank.attribute.places.protocol import Place, WritablePlace
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.text import printable

_HUB = re.compile(r"hf://(?P<repository>[\w.-]{1,96}/[\w.-]{1,96})(@(?P<revision>[\w./-]{1,200}))?", re.ASCII)
_WEB = re.compile(r"https?://", re.IGNORECASE)


def source(text: str) -> Place:
    """Where to pull from.

    Raises:
        NotFoundError: there is no such place, or it cannot be reached.
        InvalidValueError: it is malformed.
    """
    if _WEB.match(text):
        from attrbank.attribute.places.web import Web

        return Web.at(text)
    if text.startswith("hf://"):
        from attrbank.attribute.places.hub import Hub

        return Hub.at(*_repository(text))
    folder = Folder(Path(text))
    if not folder.path.is_dir():
        raise NotFoundError(f"There is no folder {printable(text)}.", "The hub is hf://OWNER/NAME, the web https://…")
    return folder


@contextmanager
def target(text: str, *, private: bool = False) -> Iterator[WritablePlace]:
    """Where to push to; it is made if need be, and a folder belongs to us alone meanwhile.

    Args:
        text: as the user has it.
        private: nobody else may see a repository that is made.

    Raises:
        InvalidValueError: it is malformed, or cannot be pushed to, or holds something else than a bundle.
        BankBusyError: somebody else is writing to the folder.
        StorageError: it cannot be made.
    """
    if _WEB.match(text):
        raise InvalidValueError(
            f"{printable(text[:200])} can only be pulled from.", "Push to a folder, and let a web server hand it out."
        )
    if text.startswith("hf://"):
        from attrbank.attribute.places.hub import Hub

        yield Hub.to(*_repository(text), private=private)
        return
    folder = Folder(Path(text))
    files.make_folder(folder.path)
    with alone_in(folder.path):
        folder.require_bundle()
        files.sweep(folder.path)
        yield folder


def _repository(text: str) -> tuple[str, str | None]:
    found = _HUB.fullmatch(text)
    if not found or ".." in text or "--" in found["repository"]:
        raise InvalidValueError(f"{text[:200]!a} is no repository.", "Write hf://OWNER/NAME or …/NAME@REVISION.")
    return found["repository"], found["revision"]
