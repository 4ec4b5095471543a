"""A whole bank as one file: a plain tar, whose members are checked one by one and never extracted by their names.

::

    objects/ab/<id>.safetensors, trash/<id>.safetensors, cards/<id>.json, annotations/<id>.json, previews/<id>.jpg,
    matrix.json
    bank.json      when each attribute came, which one its name means, and when it was removed
    SHA256SUMS     of all the others; last
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from attrbank import files
from attrbank.errors import AttrbankError, CorruptArtifactError, IncompatibleError, InvalidValueError, NotFoundError
from attrbank.store import _fs, blobs, cards, index, ledger, notes
from attrbank.store.catalogue import prepare, require_index
from attrbank.store.entry import derive
from attrbank.store.layout import CARD_SUFFIX, Layout, identity_of
from attrbank.store.upkeep_cards import read_cards, reindex_cards
from attrbank.store.upkeep_notes import names_in, notes_of, read_notes, reindex_notes

SUMS, VERSIONS, FORMAT_VERSION = "SHA256SUMS", "bank.json", 1
_ID = "[0-9a-f]{64}"
_MEMBER = re.compile(
    rf"objects/(?P<shard>[0-9a-f]{{2}})/(?P<object>{_ID})\.safetensors|trash/(?P<trash>{_ID})\.safetensors"
    rf"|cards/(?P<card>{_ID})\.json|annotations/(?P<note>{_ID})\.json|previews/{_ID}\.jpg|matrix\.json"
)
_MAX_TEXT = 2**26
"""Bytes of the sums and of the versions, which are about 100 each for an attribute."""


class Backup(NamedTuple):
    """How many attributes are in a backup, removed ones included, and what is not, because it was damaged.

    Attributes are left out by their ids, annotations by the names of their files.
    """

    attributes: int
    left_out: tuple[str, ...]


class _Version(NamedTuple):
    id: str
    created: str
    current: bool
    removed: str | None


def write(layout: Layout, path: Path, *, over: bool = False) -> Backup:
    """Copies a bank into one file. Others may go on working on the bank.

    Raises:
        InvalidValueError: there is a file already.
        StorageError: it cannot be written.
        AttrbankError: the bank's index cannot be read.
    """
    if path.exists() and not over:
        raise InvalidValueError(f"There is a file {path} already.", "Add --force to write over it.")
    versions = _versions(layout)
    left_out: list[str] = []
    sums: dict[str, str] = {}
    files.sweep(path.parent)
    with (
        files.streaming(path, over=over) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        there = []
        for version in versions:
            if _add(tar, sums, layout, version):
                there.append(version)
            else:
                left_out.append(version.id)
        for name, data in _texts(layout, left_out):
            _put(tar, sums, name, data)
        told = {"format_version": FORMAT_VERSION, "versions": [version._asdict() for version in there]}
        _put(tar, sums, VERSIONS, json.dumps(told, indent=1).encode())
        _put(tar, {}, SUMS, "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode())
    return Backup(len(there), tuple(left_out))


def restore(layout: Layout, path: Path) -> int:
    """Fills an empty bank from a backup, and tells with how many attributes, removed ones included.

    All of it is checked before anything is written, and the rows come last: what a kill leaves is an empty bank still.

    Raises:
        NotFoundError: there is no such file.
        CorruptArtifactError: it is no backup, or something in it is not what its sum or its id says.
        IncompatibleError: it, or an artifact in it, has another format version.
        InvalidValueError: the bank is not empty.
        StorageError, BankBusyError: the bank cannot be written.
    """
    versions = _check(path)
    if not require_index(layout):
        prepare(layout)
    with index.writing(layout.index) as connection:
        if connection.execute("SELECT 1 FROM versions LIMIT 1").fetchone():
            raise InvalidValueError(f"The bank {layout.root} is not empty.", "Name another with --bank.")
        facts = {}
        for name, data in _members(path):
            found = _MEMBER.fullmatch(name)
            if found and (identity := found["object"] or found["trash"]):
                facts[identity] = _facts(identity, data)
            if found:
                _write(layout, name, data)
        read = read_notes(layout)
        given = names_in(read)
        for version in versions:
            named = notes.called(facts[version.id], given.get(version.id))
            ledger.write_artifact(connection, named)
            ledger.write_version(
                connection,
                version.id,
                named["name"],
                version.created,
                is_current=version.current,
                removed=version.removed,
            )
        reindex_cards(connection, read_cards(layout))
        reindex_notes(connection, read)
    return len(versions)


def _versions(layout: Layout) -> list[_Version]:
    if not require_index(layout):
        return []
    with index.reading(layout.index) as connection:
        rows = connection.execute("SELECT id, created, current, removed FROM versions ORDER BY id").fetchall()
    return [_Version(identity, created, bool(current), removed) for identity, created, current, removed in rows]


def _add(tar: tarfile.TarFile, sums: dict[str, str], layout: Layout, version: _Version) -> bool:
    """Whether an artifact was there and sound; it may have been moved since its row was read."""
    for source in (layout.object(version.id), layout.trashed(version.id)):
        try:
            data = blobs.get(source).data
        except AttrbankError:
            continue
        target = layout.trashed(version.id) if version.removed else layout.object(version.id)
        _put(tar, sums, target.relative_to(layout.root).as_posix(), data)
        return True
    return False


def _texts(layout: Layout, left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    for path in (
        *_fs.list_folder(layout.cards),
        *_fs.list_folder(layout.annotations),
        *_fs.list_folder(layout.previews),
        layout.matrix,
    ):
        name = path.relative_to(layout.root).as_posix()
        if path.parent == layout.annotations and not _is_readable(layout, path):
            left_out.append(name)
            continue
        chunk = _fs.read_start(path, cards.MAX_MATRIX)
        if chunk and _MEMBER.fullmatch(name):
            yield name, chunk.data


def _is_readable(layout: Layout, note: Path) -> bool:
    """Whether an annotation can name its attribute; what an interrupted write left behind is none."""
    identity = identity_of(note, CARD_SUFFIX)
    return identity is None or notes_of(layout, identity) is not None


def _put(tar: tarfile.TarFile, sums: dict[str, str], name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
    sums[name] = hashlib.sha256(data).hexdigest()


def _check(path: Path) -> list[_Version]:
    """Reads all of a backup once, and gives its versions if every member is what its sum says."""
    sums, told, promised = {}, b"", b""
    for name, data in _members(path):
        if name == SUMS:
            promised = data
            continue
        if name == VERSIONS:
            told = data
        else:
            _check_member(path, name, data)
        if name in sums:
            raise _damaged(path, f"{name} is in it twice")
        sums[name] = hashlib.sha256(data).hexdigest()
    if promised != "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode():
        raise _damaged(path, f"it does not match its {SUMS}")
    return _parsed(path, told, set(sums))


def _check_member(path: Path, name: str, data: bytes) -> None:
    found = _MEMBER.fullmatch(name)
    if not found or (found["shard"] and not found["object"].startswith(found["shard"])):
        raise _damaged(path, f"it holds {name[:120]!a}, which is none of a bank's files")
    if identity := found["object"] or found["trash"]:
        _facts(identity, data)


def _facts(identity: str, data: bytes) -> dict[str, Any]:
    if blobs.identify(data) != identity:
        raise CorruptArtifactError(f"The artifact {identity[:12]} is damaged: its bytes do not match its id.")
    return derive(identity, blobs.Artifact.of(data).record.model_dump(mode="json"), len(data))


def _parsed(path: Path, told: bytes, names: set[str]) -> list[_Version]:
    try:
        fields = json.loads(told)
        if fields["format_version"] != FORMAT_VERSION:
            raise IncompatibleError(f"{path} has another format version.", "Update attrbank.")
        versions = [_Version(**version) for version in fields["versions"]]
        sound = all(_is_sound(version) for version in versions)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, f"its {VERSIONS} is not as attrbank writes it") from error
    artifacts = {
        identity for name in names if (m := _MEMBER.fullmatch(name)) and (identity := m["object"] or m["trash"])
    }
    if not sound or len(versions) != len(artifacts) or {version.id for version in versions} != artifacts:
        raise _damaged(path, f"its {VERSIONS} tells something else than its files")
    return versions


def _is_sound(version: _Version) -> bool:
    texts = (version.id, version.created, version.removed or "")
    return all(isinstance(text, str) for text in texts) and isinstance(version.current, bool)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents, of regular files alone and within our limits."""
    _require_file(path)
    with files.reading(path), open(path, "rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for info in tar:
                    yield info.name, _content(tar, info, path)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise _damaged(path, "it is not a tar that attrbank wrote") from error


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> bytes:
    limit = min(blobs.MAX_ARTIFACT if info.name.endswith(".safetensors") else _MAX_TEXT, path.stat().st_size)
    opened: IO[bytes] | None = tar.extractfile(info) if info.isreg() and info.size <= limit else None
    if opened is None:
        raise _damaged(path, f"{info.name[:120]!a} in it is no regular file, or too large")
    data = opened.read(info.size)
    if len(data) != info.size:
        raise _damaged(path, "it is cut off")
    return data


def _require_file(path: Path) -> None:
    if _fs.read_start(path, 0) is None:
        raise NotFoundError(f"There is no file {path}.")


def _write(layout: Layout, name: str, data: bytes) -> None:
    path = layout.root / name
    _fs.make_folder(path.parent)
    _fs.publish(path, data)


def _damaged(path: Path, reason: str) -> CorruptArtifactError:
    return CorruptArtifactError(f"{path} cannot be used: {reason}.", "Take another backup of the bank.")
