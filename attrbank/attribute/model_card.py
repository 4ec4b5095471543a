"""The page of a bundle for people: what is in it, learned from what, and how good it was measured to be.

What stands between two marks is ours, and is written anew by every push that changes something; the rest belongs to
whoever writes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from attrbank.attribute.bundle import PREVIEW
from attrbank.errors import InvalidValueError
from attrbank.schema.measured import Card
from attrbank.schema.stored import AttributeRecord
from attrbank.text import printable

BEGIN, END = "<!-- attributes, as attrbank push writes them -->", "<!-- end of attributes -->"
_OURS = re.compile(rf"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
_LICENCE = re.compile(r"\A(---\n(?:.*\n)*?)license:.*\n")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
_PAIRS = 3
"""So many pairs of an attribute are shown."""


class Item(NamedTuple):
    """One attribute of a bundle.

    Attributes:
        name: what it is called there.
        stem: what its files have in common.
        record: what it says of itself.
        card: what was measured of it.
        preview: whether there is a picture.
    """

    name: str
    stem: str
    record: AttributeRecord
    card: Card | None
    preview: bool


def check_licence(licence: str) -> None:
    """Refuse what is no identifier of a licence.

    Raises:
        InvalidValueError: it is none.
    """
    if not _IDENTIFIER.fullmatch(licence):
        raise InvalidValueError(f"{licence[:80]!a} is no licence.", "Write it as the hub does: cc-by-4.0, mit …")


def page(items: Iterable[Item], *, before: str | None, licence: str | None) -> str:
    """The page of a bundle.

    Args:
        items: all that is in it, of which nothing is asked where the page stays as it is.
        before: the page that is there. Without our marks it is not ours, and stays as it is.
        licence: of the attributes, as the hub spells it; None is what the page says already.
    """
    if before is not None and BEGIN not in before:
        return before
    ours = f"{BEGIN}\n\n{_told(sorted(items))}\n{END}"
    if before is None:
        head = f"---\nlicense: {licence}\n" if licence else "---\n"
        return f"{head}library_name: attrbank\ntags:\n- attrbank\n---\n\n# Attributes\n\n{ours}\n"
    text = _OURS.sub(lambda _: ours, before, count=1)
    if licence and text.startswith("---\n"):
        text = _LICENCE.sub(r"\1", text).replace("---\n", f"---\nlicense: {licence}\n", 1)
    return text


def _told(items: Iterable[Item]) -> str:
    lines = [
        "Attributes for latent diffusion models, to be had with `attrbank pull` and used with `attrbank apply`. "
        "Each belongs to the model in its row. Figures are means over held-out pictures with 95 % intervals.",
        "",
        "| attribute | id | from → to | model | success at 1 | usable strengths |",
        "|---|---|---|---|---|---|",
    ]
    pictures = []
    for item in items:
        lines.append(f"| {' | '.join(_cells(item))} |")
        if item.preview:
            pictures += [f"![{item.name} at strengths 0, .5 and 1]({item.stem}{PREVIEW})", ""]
    return "\n".join([*lines, "", *pictures])


def _cells(item: Item) -> Iterable[str]:
    success = (item.card.full or {}).get("success") if item.card else None
    usable = item.card.usable if item.card else None
    return (
        item.name,
        f"`{item.stem.rpartition('-')[2]}`",
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
