"""Where things are: the paths inside a bank, and where banks lie."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from attrbank import files
from attrbank.errors import CorruptArtifactError
from attrbank.files import settings
from attrbank.store import _fs

ARTIFACT_SUFFIX = ".safetensors"
CARD_SUFFIX = ".json"
PREVIEW_SUFFIX = ".jpg"
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Layout:
    """The paths inside one bank; they are made from ids alone, never from names or from the index."""

    root: Path

    @property
    def objects(self) -> Path:
        """The folder of artifacts, each in a subfolder named by the first two digits of its id."""
        return self.root / "objects"

    @property
    def index(self) -> Path:
        """The SQLite index, which can be rebuilt from the artifacts."""
        return self.root / "index.db"

    @property
    def cards(self) -> Path:
        """The folder of what was measured of attributes."""
        return self.root / "cards"

    @property
    def annotations(self) -> Path:
        """The folder of what the user says of attributes."""
        return self.root / "annotations"

    @property
    def previews(self) -> Path:
        """The folder of what attributes look like."""
        return self.root / "previews"

    @property
    def matrix(self) -> Path:
        """The file of what was measured of attributes together."""
        return self.root / "matrix.json"

    @property
    def trash(self) -> Path:
        """The folder of removed artifacts."""
        return self.root / "trash"

    @property
    def damaged_index(self) -> Path:
        """Where ``reindex`` puts an index that SQLite cannot read."""
        return self.trash / "index.damaged.db"

    def object(self, identity: str) -> Path:
        """The path of an artifact.

        Raises:
            CorruptArtifactError: ``identity`` is not 64 hex digits, so a damaged index cannot point elsewhere.
        """
        return self.objects / _checked(identity)[:2] / f"{identity}{ARTIFACT_SUFFIX}"

    def card(self, identity: str) -> Path:
        """The path of an attribute's card.

        Raises:
            CorruptArtifactError: ``identity`` is not 64 hex digits.
        """
        return self.cards / f"{_checked(identity)}{CARD_SUFFIX}"

    def annotation(self, identity: str) -> Path:
        """The path of what the user says of an attribute.

        Raises:
            CorruptArtifactError: ``identity`` is not 64 hex digits.
        """
        return self.annotations / f"{_checked(identity)}{CARD_SUFFIX}"

    def preview(self, identity: str) -> Path:
        """The path of what an attribute looks like.

        Raises:
            CorruptArtifactError: ``identity`` is not 64 hex digits.
        """
        return self.previews / f"{_checked(identity)}{PREVIEW_SUFFIX}"

    def trashed(self, identity: str) -> Path:
        """The path of a removed artifact.

        Raises:
            CorruptArtifactError: ``identity`` is not 64 hex digits.
        """
        return self.trash / f"{_checked(identity)}{ARTIFACT_SUFFIX}"


def object_files(layout: Layout) -> list[Path]:
    """Every file below ``objects``, artifact or not, in order of its path.

    Raises:
        StorageError: the bank is a file, or cannot be read.
    """
    return [path for shard in shards(layout) for path in _fs.list_folder(shard)]


def shards(layout: Layout) -> list[Path]:
    """The folders below ``objects``; raises as ``object_files``."""
    return [path for path in _fs.list_folder(layout.objects) if os.path.isdir(path)]


def identity_of(path: Path, suffix: str = ARTIFACT_SUFFIX) -> str | None:
    """The id that a file name stands for, or None if it is not an artifact's (or, with its suffix, a card's)."""
    return path.stem if path.suffix == suffix and _ID.fullmatch(path.stem) else None


def default_bank() -> Path:
    """``ATTRBANK_BANK``, or else the user's setting, or else ``attrbank/bank`` in the user's data directory."""
    chosen = os.environ.get("ATTRBANK_BANK") or settings.get("bank")
    return Path(chosen) if chosen else files.user_folder("data") / "bank"


def starter_bank() -> Path | None:
    """The shipped bank: inside the installed package, or beside it in the repository; None if neither is there."""
    package = Path(__file__).resolve().parent.parent
    candidates = (package / "_bank", package.parent / "bank")
    return next((path for path in candidates if (path / "objects").is_dir()), None)


def _checked(identity: str) -> str:
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise CorruptArtifactError(f"{ascii(identity)[:80]} is not an id.", "Run: attrbank reindex")
    return identity
