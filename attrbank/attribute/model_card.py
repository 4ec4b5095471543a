"""The page of a bundle for people: what is in it, learned from what, and how good it was measured to be.

What stands between two marks is ours, and is written anew by every push that changes something; the rest belongs to
whoever writes there. Rows of what a push does not touch are taken over as they are, so that a push need not read all
that is there. That is safe as long as they are those that were written for the same files, which a digest tells.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import NamedTuple

from attrbank.attribute import bundle
from attrbank.errors import InvalidValueError
from attrbank.schema.measured import Card
from attrbank.schema.stored import AttributeRecord
from attrbank.store.layout import ARTIFACT_SUFFIX
from attrbank.text import NAME_PATTERN, printable

BEGIN, END = "<!-- attributes, as attrbank push writes them -->", "<!-- end of attributes -->"
_OURS = re.compile(rf"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
_ROW = re.compile(rf"\| ({NAME_PATTERN}) \| `([0-9a-f]{{12}})` \|.*")
_LICENCE = re.compile(r"\A(---\n(?:.*\n)*?)license:.*\n")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
_PAIRS = 3
"""So many pairs of an attribute are shown."""


class Item(NamedTuple):
    """One attribute of a bundle.

    Attributes:
        record: what it says of itself.
        card: what was measured of it.
    """

    record: AttributeRecord
    card: Card | None


def check_licence(licence: str) -> None:
    """Refuse what is no identifier of a licence.

    Raises:
        InvalidValueError: it is none.
    """
    if not _IDENTIFIER.fullmatch(licence):
        raise InvalidValueError(f"{licence[:80]!a} is no licence.", "Write it as the hub does: cc-by-4.0, mit …")


def page(
    there: bundle.Sums,
    becomes: bundle.Sums,
    item: Callable[[bundle.Member], Item],
    *,
    before: str | None,
    licence: str | None,
) -> str:
    """The page of a bundle.

    Args:
        there: what is in the bundle.
        becomes: what will be.
        item: gives one attribute of it. It is asked of those whose files change, and of all if the page that is there
            does not tell of what is there; of none where the page stays as it is.
        before: the page that is there. Without our marks it is not ours, and stays as it is.
        licence: of the attributes, as the hub spells it; None is what the page says already.
    """
    if before is not None and BEGIN not in before:
        return before
    known = {stem: row for stem, row in _rows(before, there).items() if _files(stem, there) == _files(stem, becomes)}
    members = sorted(filter(None, map(bundle.member, becomes)))
    rows = {
        member.stem: known.get(member.stem) or f"| {' | '.join(_cells(member, item(member)))} |"
        for member in members
        if member.suffix == ARTIFACT_SUFFIX
    }
    told = _told(rows, becomes)
    ours = f"{BEGIN}\n\n{told}\n{_seal(told, becomes)}\n{END}"
    if before is None:
        head = f"---\nlicense: {licence}\n" if licence else "---\n"
        return f"{head}library_name: attrbank\ntags:\n- attrbank\n---\n\n# Attributes\n\n{ours}\n"
    text = _OURS.sub(lambda _: ours, before, count=1)
    if licence and text.startswith("---\n"):
        text = _LICENCE.sub(r"\1", text).replace("---\n", f"---\nlicense: {licence}\n", 1)
    return text


def _rows(page: str | None, sums: bundle.Sums) -> Mapping[str, str]:
    """The row of each attribute, by what its files have in common; none if they were not written for these files."""
    found = _OURS.search(page or "")
    head, _, rest = found[0].partition("\n\n") if found else ("", "", "")
    told, _, seal = rest.removesuffix(f"\n{END}").rpartition("\n")
    if not head or seal != _seal(told, sums):
        return {}
    rows = filter(None, map(_ROW.fullmatch, told.split("\n")))
    return {f"{row[1]}-{row[2]}": row[0] for row in rows}


def _seal(told: str, sums: bundle.Sums) -> str:
    """A digest of what is told and of the sums of what it is told of, as a line that nobody sees."""
    return f"<!-- {hashlib.sha256(told.encode() + bundle.spelled(sums)).hexdigest()} -->"


def _files(stem: str, sums: bundle.Sums) -> tuple[str | None, ...]:
    """What a row is made of: the sums of an artifact and of its card."""
    return tuple(sums.get(f"{stem}{suffix}") for suffix in (ARTIFACT_SUFFIX, bundle.CARD))


def _told(rows: Mapping[str, str], sums: bundle.Sums) -> str:
    lines = [
        "Attributes for latent diffusion models, to be had with `attrbank pull` and used with `attrbank apply`. "
        "Each belongs to the model in its row. Figures are means over held-out pictures with 95 % intervals.",
        "",
        "| attribute | id | from → to | model | success at 1 | usable strengths |",
        "|---|---|---|---|---|---|",
        *rows.values(),
    ]
    pictures = []
    for stem in rows:
        if (preview := f"{stem}{bundle.PREVIEW}") in sums:
            pictures += [f"![{stem.rpartition('-')[0]} at strengths 0, .5 and 1]({preview})", ""]
    return "\n".join([*lines, "", *pictures])


def _cells(member: bundle.Member, item: Item) -> Iterable[str]:
    success = (item.card.full or {}).get("success") if item.card else None
    usable = item.card.usable if item.card else None
    return (
        member.name,
        f"`{member.prefix}`",
        "<br>".join(_pairs(item.record)),
        _plain(_model(item.record)),
        str(success) if success else "not measured",
        "{:.3g} … {:.3g}".format(*usable) if usable else "–",
    )


def _pairs(record: AttributeRecord) -> Iterable[str]:
    if record.pictures:
        yield f"{len(record.pictures)} pairs of pictures"
    for pair in record.pairs[:_PAIRS]:
        yield f"{_plain(pair.source)} → {_plain(pair.target)}"
    if len(record.pairs) > _PAIRS:
        yield f"and {len(record.pairs) - _PAIRS} more"


def _model(record: AttributeRecord) -> str:
    """A model on somebody's disk goes by its last name: where it lies is nobody's business."""
    name = record.backbone.name
    return PurePath(name).name if name.startswith((".", "/", "~")) or "\\" in name else name


def _plain(text: str) -> str:
    """Text that markdown and HTML take for nothing but text."""
    return re.sub(r"([^\w\s.,;:'%()/-])", lambda found: f"&#{ord(found[1])};", printable(text))
