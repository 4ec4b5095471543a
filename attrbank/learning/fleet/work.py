"""What a worker does of a fleet: it learns a group of orders that share a source, and sends each artifact as bytes.

It knows no bank. What it has loaded it keeps for the next group: the model, and what that has predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.diffusion.placement import Dtype, Placement
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.remembering import Memory
from attrbank.errors import AttrbankError, IncompatibleError
from attrbank.executors.protocol import Tell
from attrbank.learning.run import Prepare, made
from attrbank.methods.protocol import OnProgress, OnWarning
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec
from attrbank.schema.fields import Label, Record
from attrbank.schema.told import MAX_TEXT, Told, framed
from attrbank.store.header import seal

ROOM = 2**31
"""Bytes of predictions that are kept for those who share them: two attributes' of 64 pictures of Stable Diffusion."""


class Wanted(Record):
    """One order, with all that a worker must know of it.

    Attributes:
        number: by which the client knows it.
        fingerprint: that the model must have.
    """

    number: int
    spec: LearnSpec
    backbone: Label
    fingerprint: str
    force: bool = False
    tune: bool = False
    judge: Label | None = None
    goal: Label | None = None


class Group(Record):
    """Orders that share their sources' runs."""

    wanted: tuple[Wanted, ...]


class Common(Record):
    """What all groups of a fleet have in common.

    Attributes:
        device, dtype, offload: where models are to run, as ``Placement`` has them.
        preview: whether to draw what was learned.
    """

    device: str | None = None
    dtype: Dtype | None = None
    offload: bool = False
    preview: bool = False

    @property
    def placement(self) -> Placement | None:
        """The wishes; None if there are none."""
        wishes = Placement(device=self.device, dtype=self.dtype, offload=self.offload)
        return None if wishes == Placement() else wishes


Load: TypeAlias = Callable[[str, Placement | None], Backbone]
PrepareFor: TypeAlias = Callable[[Wanted, OnWarning], Prepare | None]
"""What is done to an order's attribute before it is sent; nothing where it is None."""

Draw: TypeAlias = Callable[[LearnedAttribute, Backbone, OnProgress, OnWarning], bytes | None]
"""What an attribute looks like, as a JPEG; None if that could not be drawn."""


def by_name(reference: str, placement: Placement | None) -> Backbone:
    """The model that an order names, where it is to run."""
    model: Backbone = load_plugins().backbone(reference, placement)
    return model


def plain(common: bytes) -> Worker:
    """The work of a fleet whose attributes are neither tuned nor drawn."""
    return Worker(Common.model_validate_json(common))


class Worker:
    """Learns groups; models are loaded once as long as those that follow each other want the same.

    Args:
        common: of all of them.
        load: gives a model.
        prepare_for: gives what is done to each attribute before it is sent.
        draw: draws it afterwards, if that is wanted.
    """

    def __init__(
        self,
        common: Common,
        *,
        load: Load = by_name,
        prepare_for: PrepareFor = lambda wanted, on_warning: None,
        draw: Draw = lambda attribute, backbone, on_progress, on_warning: None,
    ) -> None:
        self._common, self._load, self._prepare_for, self._draw = common, load, prepare_for, draw
        self._reference = ""
        self._model: Backbone | None = None
        self._memory = Memory(ROOM)

    def __call__(self, payload: bytes, tell: Tell) -> None:
        """Learn a ``Group``, and tell of each as soon as it is made or has failed; one failure stops no other."""
        for wanted in Group.model_validate_json(payload).wanted:
            self._one(wanted, partial(_told, tell, wanted.number))

    def _one(self, wanted: Wanted, told: _Telling) -> None:
        def report(stage: str, done: int, total: int) -> None:
            told("progress", stage, done, total)

        def warn(warning: str) -> None:
            told("warning", warning)

        try:
            attribute, data = self._made(wanted, report, warn)
        except AttrbankError as error:
            told("failed", error.message)
            return
        told("made", data=data)
        if self._common.preview and attribute.record.pairs and self._model is not None:
            picture = self._draw(attribute, self._model, report, warn)
            if picture:
                told("drawn", data=picture)

    def _made(self, wanted: Wanted, report: OnProgress, warn: OnWarning) -> tuple[LearnedAttribute, bytes]:
        model, prepare = self._loaded(wanted, report), self._prepare_for(wanted, warn)
        how = partial(made, wanted.spec, model, force=wanted.force, prepare=prepare, memory=self._memory)
        (attribute,) = how(on_progress=report, on_warning=warn)  # files cannot ask for several components
        return attribute, seal(encode(attribute))

    def _loaded(self, wanted: Wanted, report: OnProgress) -> Backbone:
        """The order's model; the one before it goes first, for want of room."""
        if self._model is None or self._reference != wanted.backbone:
            self._model, self._memory = None, Memory(ROOM)
            report("loading", 0, 1)
            model = self._load(wanted.backbone, self._common.placement)
            _require_same(model, wanted)
            self._model, self._reference = model, wanted.backbone
        return self._model


_Telling: TypeAlias = Callable[..., None]


def _told(tell: Tell, of: int, said: str, text: str = "", done: int = 0, total: int = 0, data: bytes = b"") -> None:
    fields = {"said": said, "of": of, "text": text[:MAX_TEXT], "done": done, "total": total}
    tell(framed(Told.model_validate(fields), data))


def _require_same(model: Backbone, wanted: Wanted) -> None:
    if model.fingerprint != wanted.fingerprint:
        raise IncompatibleError(
            "The worker has another model of this name than the client.", hint="Give workers the same files."
        )
