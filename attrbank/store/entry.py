"""What a bank knows about an attribute without opening its tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

from attrbank.errors import CorruptArtifactError
from attrbank.names import format_seeds

Origin = Literal["user", "starter"]

SHORT_ID = 8
"""So many digits of an id are shown to people; six are enough to name an attribute."""


class Pair(NamedTuple):
    """A source prompt and its target prompt."""

    source: str
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One attribute of a bank, with the fields of ``list --json``.

    Attributes:
        id: SHA-256 of the artifact, 64 hex digits.
        source: of the first pair, like ``target``; if it was learned from pictures, how many, and the target is None.
        t_x: time of the edit, 0 < t_x ≤ 1.
        delta_tau: t_z − t_x.
        seed: the first seed.
        seeds: all seeds as text, such as ``0-63``.
        vectors: where they come from; None if the method has none.
        unit: of the attribute's own core; None for the paper's vectors.
        solver: for the paper's vectors, like ``k``; otherwise None.
        size_bytes: of the artifact.
        score: success at strength 1, as the attribute's card has it; None if that was not measured.
        usable_low, usable_high: the usable range of strengths, as its calibration or else its card has it.
        created: ISO 8601 in UTC; None in the starter bank, which has no index to keep it.
        current: whether the bare name means this version.
        tags: what the user lists it by.
    """

    name: str
    id: str
    origin: Origin
    method: str
    vectors: str | None
    core: str | None
    solver: str | None
    source: str
    target: str | None
    pairs: tuple[Pair, ...]
    t_x: float
    delta_tau: float
    seed: int
    seeds: str
    k: int | None
    rank: int | None
    unit: float | None
    backbone: str
    sampler: str
    steps: int
    guidance_scale: float
    size_bytes: int
    score: float | None
    usable_low: float | None
    usable_high: float | None
    created: str | None
    current: bool
    tags: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The text that always means this very version, as in ``young@3fa9c1d2e4b5``."""
        return f"{self.name}@{self.id[:12]}"

    @property
    def short_id(self) -> str:
        """The id as people are shown it."""
        return self.id[:SHORT_ID]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return {field: getattr(self, field) for field in FIELDS} | {
            "pairs": [pair._asdict() for pair in self.pairs],
            "tags": list(self.tags),
        }


FIELDS = tuple(field.name for field in fields(Entry))
KEPT = ("created", "current")
"""Facts that artifacts cannot tell; the index keeps them through a rebuild."""
MEASURED = ("score", "usable_low", "usable_high")
"""Facts that the attribute's card tells."""
ANNOTATED = ("tags",)
"""Facts that the user tells."""
CALIBRATED = ("calibrated_low", "calibrated_high")
"""The usable range of strengths, where the artifact itself tells it."""
SCALARS = tuple(name for name in FIELDS if name not in {*KEPT, *MEASURED, *ANNOTATED, "origin", "pairs"})
"""Facts that the artifact alone tells, each in a column of its own, to filter and sort by."""
DOCUMENT = "document"
"""The whole entry as JSON, so that a long list is written as it is read; in it, what the artifact cannot tell is null,
or what a card or the user tells is absent, until ``catalogue.select_rows`` puts it in."""
DERIVED = (*SCALARS, *CALIBRATED, DOCUMENT)


def derive(identity: str, record: Mapping[str, Any], size: int) -> dict[str, Any]:
    """The derived facts of an artifact, as the index stores them: numbers, texts and None.

    Args:
        identity: the artifact's id.
        record: its record as plain JSON.
        size: bytes in the artifact.

    Raises:
        CorruptArtifactError: the record does not look like an attribute's.
    """
    try:
        return _derive(identity, record, size)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise CorruptArtifactError(f"Not a valid attribute: its record lacks {error}.") from error


def entry_from_json(text: str) -> Entry:
    """The entry whose ``as_json`` is this text.

    Raises:
        CorruptArtifactError: it is no entry's.
    """
    try:
        facts = json.loads(text)
        facts["pairs"] = tuple(Pair(**pair) for pair in facts["pairs"])
        facts["tags"] = tuple(map(str, facts["tags"]))
        return Entry(**facts)
    except (LookupError, TypeError, ValueError) as error:
        raise CorruptArtifactError("The bank's index is damaged.", "Run: attrbank reindex") from error


def _source(record: Mapping[str, Any]) -> str:
    """What stands in the place of a prompt."""
    imported = record.get("imported")
    return str(imported["format"]) if imported else f"{2 * len(record['pictures'])} pictures"


def _derive(identity: str, record: Mapping[str, Any], size: int) -> dict[str, Any]:
    pairs = [{"source": str(pair["source"]), "target": str(pair["target"])} for pair in record["pairs"]]
    paper = record.get("paper") or {}
    core = record.get("core")
    facts = {
        "name": str(record["name"]),
        "id": identity,
        "method": str(record["method"]),
        "vectors": None if record.get("vectors") is None else str(record["vectors"]),
        "core": core,
        "solver": paper.get("solver"),
        **(pairs[0] if pairs else {"source": _source(record), "target": None}),
        "t_x": float(record["t_x"]),
        "delta_tau": float(record["delta_tau"]),
        "seed": int(next(iter(record["seeds"]), 0)),
        "seeds": format_seeds(record["seeds"]),
        "k": paper.get("k"),
        "rank": record.get("rank"),
        "unit": (record.get("units") or {}).get(core),
        "backbone": str(record["backbone"]["name"]),
        "sampler": str(record["sampler"]),
        "steps": int(record["steps"]),
        "guidance_scale": float(record["guidance_scale"]),
        "size_bytes": size,
    }
    whole = facts | {"pairs": pairs}
    document = {field: whole.get(field) for field in FIELDS if field not in {*MEASURED, *ANNOTATED}}
    return facts | _calibrated(record) | {DOCUMENT: json.dumps(document, allow_nan=False)}


def _calibrated(record: Mapping[str, Any]) -> dict[str, float | None]:
    calibration = record.get("calibration")
    if calibration is None or calibration["core"] != record["core"]:  # of another core than the one in use
        return dict.fromkeys(CALIBRATED)
    return dict(zip(CALIBRATED, (float(calibration["low"]), float(calibration["high"])), strict=True))
