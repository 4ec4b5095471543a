"""Attributes as files to hand on: out of one bank, and into another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrbank import files
from attrbank.attribute.bundle import ANNOTATION, CARD, LIMITS, PREVIEW
from attrbank.errors import CorruptArtifactError, InvalidValueError
from attrbank.names import validate_name
from attrbank.store import blobs, cards, json_files, notes, previews
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.header import check_seal, seal
from attrbank.store.layout import ARTIFACT_SUFFIX
from attrbank.store.ledger import NameTakenError
from attrbank.text import printable

if TYPE_CHECKING:  # listing a bank does without torch
    from attrbank.attribute.artifact import LearnedAttribute
    from attrbank.schema.annotated import Annotation

Conflict: TypeAlias = Literal["refuse", "skip", "replace", "rename"]
"""What becomes of an attribute whose name means another already.

refuse: it is an error. skip: it stays outside. replace: the name means the new one, and the old one is reached by its
id. rename: the new one is called NAME-2, or the next that is free.
"""


def unheard(warning: str) -> None:
    """What becomes of warnings, unless somebody wants to hear them."""


def export_attribute(
    bank: Bank, entry: Entry, target: Path, *, force: bool = False, on_warning: Callable[[str], None] = unheard
) -> Path:
    """Copy an artifact to a file of its own, and return its path.

    Its card, what the user says of it, and what it looks like, go beside it.

    Args:
        bank: where the attribute is.
        entry: the attribute.
        target: the file, if it ends in ``.safetensors``; else a folder, for ``young-3fa9c1d2e4b5.safetensors``.
        force: write over files that are there.
        on_warning: told of a preview that is damaged, and stays behind.

    Raises:
        CorruptArtifactError: the artifact is missing or damaged, or the card is.
        InvalidValueError: a file exists, and ``force`` is off.
        StorageError: it cannot be written.
    """
    path = target if target.suffix == ARTIFACT_SUFFIX else target / f"{_stem(entry)}{ARTIFACT_SUFFIX}"
    stem = path.name.removesuffix(ARTIFACT_SUFFIX)
    written = {path.with_name(name): data for name, data in exported(bank, entry, stem, on_warning=on_warning).items()}
    for file in written:
        if file.exists() and not force:  # asked of all before any is written
            raise _exists(file)
    files.sweep(path.parent)
    for file, data in written.items():
        if force:
            files.replace(file, data)
        elif not files.create(file, data):
            raise _exists(file)
    return path


def exported(
    bank: Bank, entry: Entry, stem: str | None = None, *, on_warning: Callable[[str], None] = unheard
) -> dict[str, bytes]:
    """The files that an attribute travels as, by their names, which begin with ``stem``.

    A preview that is damaged is a warning: the attribute is of use without it.

    Raises:
        CorruptArtifactError: the artifact is missing or damaged, or card or annotation is.
        StorageError: something cannot be read.
    """
    card = bank.measurements.card(entry)
    picture = _shown(lambda: bank.previews.read(entry), entry.name, on_warning)
    said = bank.annotations.of(entry).model_copy(update={"pulled_from": None})  # that is about this bank
    parts = {
        ARTIFACT_SUFFIX: bank.read(entry),
        CARD: None if card is None else json_files.dumped(card),
        ANNOTATION: None if said.is_empty else json_files.dumped(said),
        PREVIEW: picture,
    }
    return {f"{stem or _stem(entry)}{suffix}": data for suffix, data in parts.items() if data is not None}


def _shown(read: Callable[[], bytes | None], name: str, on_warning: Callable[[str], None]) -> bytes | None:
    """The preview that is read, unless it is damaged; a disk that fails is no warning."""
    try:
        return read()
    except CorruptArtifactError as error:
        on_warning(f"the preview of {name} is left out: {error.message}")
        return None


def _stem(entry: Entry) -> str:
    return f"{entry.name}-{entry.id[:12]}"


def beside(path: Path) -> list[Path]:
    """An exported artifact with whatever goes with it."""
    return [file for file in map(path.with_suffix, LIMITS) if file.exists()]


def _exists(path: Path) -> InvalidValueError:
    return InvalidValueError(f"There is a file {printable(str(path))} already.", "Add --force to write over it.")


def import_attribute(
    bank: Bank,
    path: Path,
    *,
    name: str | None = None,
    conflict: Conflict = "refuse",
    pulled_from: str | None = None,
    require_usable: Callable[[LearnedAttribute], None] = lambda attribute: None,
    on_warning: Callable[[str], None] = unheard,
) -> Entry | None:
    """Add an artifact from anywhere to a bank; doing so again is no error. None is one that was skipped.

    The file is trusted in nothing: limits, header, record, every tensor, its digest if it has one, and the id in its
    name if that has one. The card and the annotation beside it come along if they are valid ones of this very artifact;
    what they say is their authors' word. A preview comes along if it is a JPEG.

    Args:
        bank: where to.
        path: the file.
        name: what to call the attribute; None is the name that it comes with. Another than that in its record makes
            another artifact, without card and annotation.
        conflict: what to do if the name means another attribute already.
        pulled_from: the place that the file was fetched from, to be remembered.
        require_usable: raises what it is to be refused for, such as that its method cannot use it.
        on_warning: told of a preview that is damaged, and stays outside.

    Raises:
        NotFoundError: there is no such file.
        CorruptArtifactError: it is not a valid artifact, or not the one that its name promises, or card or
            annotation are not its.
        IncompatibleError: one of the files has another format version.
        NumericError: a tensor holds NaN or infinity.
        InvalidValueError: the name is malformed, or in use and ``conflict`` is "refuse".
        StorageError, BankBusyError: the bank cannot be written.
    """
    from attrbank.attribute.artifact import LearnedAttribute, decode, encode
    from attrbank.schema.annotated import Annotation

    data = blobs.get_foreign(path)
    check_seal(data)
    attribute, identity = decode(data), blobs.identify(data)
    card = cards.get_foreign_card(path.with_suffix(CARD), identity)
    said = notes.get_foreign(path.with_suffix(ANNOTATION), identity)
    require_usable(attribute)
    picture = _shown(lambda: previews.get(path.with_suffix(PREVIEW)), attribute.record.name, on_warning)
    if said or pulled_from:
        said = (said or Annotation(id=identity)).model_copy(update={"pulled_from": pulled_from})
    if name is not None and validate_name(name) != attribute.record.name:
        record = attribute.record.model_copy(update={"name": name})
        data = seal(encode(LearnedAttribute(record, attribute.tensors)))
        said = None
    elif name is not None and said:
        said = said.model_copy(update={"name": None})
    entry = _add(bank, data, said, conflict)
    if entry and card and card.id == entry.id:
        bank.measurements.keep_card(card)
    if entry and picture:
        bank.previews.keep(entry, picture)
    return entry


def add_attribute(bank: Bank, attribute: LearnedAttribute, conflict: Conflict = "refuse") -> Entry | None:
    """Add what was made of a file of another format; raises as ``import_attribute``."""
    from attrbank.attribute.artifact import encode

    return _add(bank, seal(encode(attribute)), None, conflict)


def _add(bank: Bank, data: bytes, said: Annotation | None, conflict: Conflict) -> Entry | None:
    try:
        return bank.add(data, replace=conflict == "replace", annotation=said)
    except NameTakenError as error:
        if conflict == "skip":
            return None
        if conflict != "rename":
            raise
        taken = error.name  # which this bank may have given it before it was removed
    return _add_renamed(bank, data, said, taken)


def _add_renamed(bank: Bank, data: bytes, said: Annotation | None, taken: str) -> Entry:
    """Under the first free of ``NAME-2``, ``NAME-3`` ...; the name is said beside the artifact, so its id stays."""
    from attrbank.schema.annotated import Annotation

    said = said or Annotation(id=blobs.identify(data))
    said = said.model_copy(update={"former": notes.union((taken,), said.former)[:64]})
    for number in count(2):
        ending = f"-{number}"
        with suppress(NameTakenError):
            return bank.add(data, name=f"{taken[: 64 - len(ending)]}{ending}", annotation=said)
    raise AssertionError
