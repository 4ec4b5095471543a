"""Attributes on their way to a place where others find them, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from attrbank import files
from attrbank.attribute import bundle, model_card
from attrbank.attribute.places.protocol import Change, Place, WritablePlace, require
from attrbank.attribute.transfer import exported, unheard
from attrbank.errors import CorruptArtifactError, InvalidValueError, NotFoundError
from attrbank.names import Reference, parse_reference
from attrbank.store import blobs, json_files
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.layout import ARTIFACT_SUFFIX
from attrbank.text import printable

MAX_PULL = 2**32
"""Bytes of all that one pull fetches."""


class Pushed(NamedTuple):
    """What a push did: whether anything changed, and whether the page there is somebody else's, and was left alone."""

    changed: bool
    page_kept: bool


def push(
    bank: Bank,
    entries: Sequence[Entry],
    place: WritablePlace,
    *,
    licence: str | None = None,
    replace: bool = False,
    on_warning: Callable[[str], None] = unheard,
) -> Pushed:
    """Add attributes to a bundle, with cards, annotations and previews; to do so again changes nothing.

    Args:
        bank: where they are.
        entries: which ones.
        place: where to.
        licence: of the attributes, as the hub spells it.
        replace: take away others of the same names.
        on_warning: told of previews that are damaged, and stay behind.

    Raises:
        InvalidValueError: there is another attribute of such a name, and ``replace`` is off; or the licence is none; or
            there would be more than one page can tell of.
        CorruptArtifactError: an attribute is damaged, or something of the bundle.
        AttrbankError: the place cannot be read or written.
    """
    if licence is not None:
        model_card.check_licence(licence)
    given: dict[str, bytes] = {}
    for entry in entries:
        given |= exported(bank, entry, on_warning=on_warning)
    index = place.read(bundle.SUMS, bundle.MAX_SUMS)
    there = {} if index is None else bundle.parsed(index, printable(place.shown))
    gone = frozenset(_displaced(place.names(), {_stem(name) for name in given}, replace))
    kept = {name: digest for name, digest in there.items() if name not in gone}
    sums = kept | {name: hashlib.sha256(data).hexdigest() for name, data in given.items()}
    changed = {name: data for name, data in given.items() if there.get(name) != sums[name]}
    before = place.read(bundle.PAGE, bundle.MAX_PAGE)
    text = None if before is None else before.decode(errors="replace")
    if changed or gone or licence or text is None:  # else the page tells it already
        item = partial(_item, place, sums, given)
        page = model_card.page(there, sums, item, before=text, licence=licence)
        if page != text:
            changed[bundle.PAGE] = _fitting(page, place)
    if changed or gone:
        place.write(Change(changed, gone, sums))
    return Pushed(bool(changed or gone), text is not None and model_card.BEGIN not in text)


def pull(place: Place, wanted: Sequence[str], folder: Path) -> list[Path]:
    """Fetch attributes of a bundle, all that goes with them included, and return the artifacts.

    Nothing is there that was not compared with its sum.

    Args:
        place: where from.
        wanted: references; none is all that is there.
        folder: an empty one, for the files.

    Raises:
        InvalidValueError: a reference is malformed.
        NotFoundError: something wanted is not there, or the place cannot be reached.
        CorruptArtifactError: something is not what its sum says, or larger than it may be.
        StorageError: the files cannot be written.
    """
    shown = printable(place.shown)
    index = place.read(bundle.SUMS, bundle.MAX_SUMS)
    if index is None:
        raise NotFoundError(f"There are no attributes at {shown}.", f"A bundle has an index called {bundle.SUMS}.")
    sums = bundle.parsed(index, shown)
    chosen = _chosen(sums, [parse_reference(text) for text in wanted], shown)
    total = 0
    for name in chosen:
        data = _sound(place, name, sums[name])
        total += len(data)
        if total > MAX_PULL:
            raise CorruptArtifactError(f"{shown} holds more than {MAX_PULL:,} bytes.", "Name what you want of it.")
        files.replace(folder / name, data)
    return [folder / name for name in chosen if name.endswith(ARTIFACT_SUFFIX)]


def _sound(place: Place, name: str, digest: str) -> bytes:
    data = require(place, name, bundle.limit_of(name))
    if hashlib.sha256(data).hexdigest() != digest:
        raise bundle.damaged(printable(place.shown), f"{name} is not what {bundle.SUMS} says")
    return data


def _chosen(sums: bundle.Sums, wanted: Sequence[Reference], shown: str) -> list[str]:
    members = {name: member for name in sorted(sums) if (member := bundle.member(name))}
    if not wanted:
        return list(members)
    found: set[str] = set()
    for reference in wanted:
        meant = {member.stem for member in members.values() if _means(reference, member)}
        if not meant:
            names = ", ".join(dict.fromkeys(member.name for member in members.values()))
            raise NotFoundError(f"There is no {reference.text} at {shown}.", f"There is: {names[:500] or 'nothing'}.")
        found |= meant
    return [name for name, member in members.items() if member.stem in found]


def _means(reference: Reference, member: bundle.Member) -> bool:
    """A name or the beginning of an id, of which the file's name has twelve digits, or both."""
    named = reference.name == member.name
    begun = reference.prefix is not None and member.prefix.startswith(reference.prefix[:12])
    return named and begun if reference.pinned else named or begun


def _stem(file: str) -> str:
    member = bundle.member(file)
    return member.stem if member else file


def _displaced(there: Collection[str], coming: set[str], replace: bool) -> Iterator[str]:
    """Files of other attributes that bear the names of those that come."""
    names = {member.name for stem in coming if (member := bundle.member(f"{stem}{ARTIFACT_SUFFIX}"))}
    for file in sorted(there):
        member = bundle.member(file)
        if member and member.name in names and member.stem not in coming:
            if not replace:
                raise InvalidValueError(
                    f"There is another {member.name!r} already, {member.prefix}.",
                    "Add --replace to take it away, or call yours otherwise with attrbank rename.",
                )
            yield file


def _fitting(page: str, place: Place) -> bytes:
    """The page as a file that the next push can read."""
    data = page.encode()
    if len(data) > bundle.MAX_PAGE:
        raise InvalidValueError(
            f"{printable(place.shown)} is full: the page of all its attributes would have {len(data):,} bytes, and at "
            f"most {bundle.MAX_PAGE:,} are read. Nothing was pushed.",
            "Push to another place; attrbank pull takes several after each other.",
        )
    return data


def _item(place: Place, sums: bundle.Sums, given: Mapping[str, bytes], member: bundle.Member) -> model_card.Item:
    """What the page tells of an attribute; one that is not among the given is read for it, and checked."""
    from attrbank.schema.measured import Card

    def content(name: str) -> bytes:
        return given[name] if name in given else _sound(place, name, sums[name])

    card = f"{member.stem}{bundle.CARD}"
    return model_card.Item(
        blobs.Artifact.of(content(f"{member.stem}{ARTIFACT_SUFFIX}")).record,
        json_files.parsed(Card, content(card), Path(card)) if card in sums else None,
    )
