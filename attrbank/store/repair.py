"""Mends a bank as far as what it needs is still there, and deletes nothing.

An attribute whose file is missing or damaged is taken from the trash or the starter bank, if a sound copy is there; the
damaged file goes to the trash. The rest is the index, which is rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.store import _fs, blobs, index, rebuild, upkeep
from attrbank.store.finding import Finding
from attrbank.store.layout import Layout, identity_of

DAMAGED_SUFFIX = ".damaged"


class Mended(NamedTuple):
    """What ``repair`` did to one item, an id or a file name."""

    item: str
    name: str | None
    action: str


def repair(layout: Layout, starter: Layout | None) -> tuple[Mended, ...]:
    """Mends what can be mended; to do so again does nothing.

    Raises:
        AttrbankError: the bank is busy, unwritable or of a newer schema.
    """
    wrong = tuple(_misindexed(layout))
    first = rebuild.reindex(layout, forget=False)  # so that there is an index to go by
    with index.writing(layout.index) as connection:
        names = dict(connection.execute("SELECT id, name FROM versions WHERE removed IS NULL").fetchall())
        mended = tuple(_mended(layout, starter, names))
        adopted = tuple(Mended(identity, names.get(identity), "entered into the index") for identity in first.adopted)
    if mended:
        rebuild.reindex(layout, forget=False)
    return wrong + adopted + mended


def tried(
    findings: Sequence[Finding], read: Callable[[Finding], bytes], use: Callable[[bytes], None]
) -> Iterator[Finding]:
    """Findings of which those that were ok are also tried.

    Args:
        findings: of a bank and the starter bank.
        read: the bytes of one.
        use: raises ``AttrbankError`` for an artifact that cannot be used.
    """
    for finding in findings:
        if finding.state == "ok" and identity_of(Path(f"{finding.item}.safetensors")):
            try:
                use(read(finding))
            except AttrbankError as error:
                yield finding._replace(state="unusable", detail=error.message)
                continue
        yield finding


def _mended(layout: Layout, starter: Layout | None, names: dict[str, str]) -> Iterator[Mended]:
    for identity, name in names.items():
        path = layout.object(identity)
        if _sound(path):
            continue
        places = {"the trash": layout.trashed(identity)} | (
            {"the starter bank": starter.object(identity)} if starter else {}
        )
        copies = ((place, _sound(copy)) for place, copy in places.items())
        place, data = next(((place, data) for place, data in copies if data), (None, None))
        if data is not None:
            _set_aside(layout, path)
            blobs.put(layout, identity, data)
            yield Mended(identity, name, f"taken from {place}")


def _misindexed(layout: Layout) -> Iterator[Mended]:
    """What a rebuilt index will mend."""
    rebuilt = "the index is rebuilt from the files"
    try:
        if index.is_blank(layout.index):
            return
        findings = upkeep.verify(layout, {})
    except CorruptArtifactError:
        yield Mended(layout.index.name, None, rebuilt)
        return
    for finding in findings:
        if finding.state == "misindexed" or (finding.state == "missing" and "/" in finding.item):
            yield Mended(finding.item, finding.name, rebuilt)


def _sound(path: Path) -> bytes | None:
    try:
        return blobs.get(path).data
    except AttrbankError:
        return None


def _set_aside(layout: Layout, path: Path) -> None:
    """Moves a damaged file to the trash, under a name that says what it holds."""
    chunk = _fs.read_start(path, blobs.MAX_ARTIFACT)
    if chunk:
        kept = f"{path.stem}-{blobs.identify(chunk.data)[:12]}{DAMAGED_SUFFIX}"
        _fs.move(path, layout.trash / kept)
