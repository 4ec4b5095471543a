"""A loaded model that applies and learns, and predicts nothing twice."""

from __future__ import annotations

import warnings
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any, TypeAlias, Unpack

from PIL import Image

from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Backbone, Description
from attrbank.diffusion.remembering import ROOM, Memory
from attrbank.editing.axes import OnCell
from attrbank.editing.cells import planned_cells, sheet_of
from attrbank.editing.draft import drafted, hastened
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.retouching import GivenFiles
from attrbank.editing.run import Editor
from attrbank.learning import run as learning
from attrbank.methods.protocol import OnProgress, OnWarning, quiet
from attrbank.pictures.write import like
from attrbank.store.entry import Entry
from attrbank.studio.arguments import (
    ApplyOptions,
    LearnOptions,
    LearnRequest,
    PathLike,
    Texts,
    apply_request,
    learn_request,
    refuse_unknown,
    sheet_request,
)
from attrbank.studio.foreign import Listener, only_our_errors
from attrbank.studio.result import Result
from attrbank.studio.turn import Turn

OnStep: TypeAlias = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Report to nobody."""


class Studio:
    """A model that is loaded once, for any number of pictures and attributes; ``attrbank.open`` makes one.

    Of a picture with the same prompt, seed, image and settings as one before, only what comes after the first edit that
    differs is run again. What is remembered is bounded, and changes no bit of a picture. Threads take turns, and a
    learning lets pictures in between.

    Args:
        backbone: how the model is named.
        model: itself.
        bank: where attributes are looked for, and stored.
        placement: where its networks were wanted.
        room: bytes of what it remembers at most, and a quarter of that for decoded pictures.
    """

    def __init__(
        self,
        backbone: str,
        model: Backbone,
        bank: PathLike | None = None,
        placement: Placement | None = None,
        room: int = ROOM,
    ) -> None:
        self.backbone = backbone
        self._model, self._bank = model, bank
        self._memory, self._turn = Memory(room), Turn()
        self._described = dict[str, Description]()
        self._where = {"backbone": backbone, "placement": placement}

    def apply(
        self,
        *attributes: str,
        on_step: OnStep = silent,
        on_warning: OnWarning | None = None,
        **options: Unpack[ApplyOptions],
    ) -> Result:
        """Apply attributes as ``attrbank.apply`` does, whose arguments and errors these are.

        With ``on_warning`` that is called with each warning's text, instead of ``warnings.warn``.
        """
        refuse_unknown("apply", options, ApplyOptions)
        listener = Listener(on_step)
        with only_our_errors(listener), self._turn:
            request = apply_request(attributes, options, bank=self._bank, **self._where)
            return drawn(request, listener, self._model, self._memory, self._described, on_warning)

    def draft(self, *attributes: str, on_step: OnStep = silent, **options: Unpack[ApplyOptions]) -> Image.Image:
        """What ``apply`` would show after the edits, in fewer steps: soon, alike, and not for keeping.

        Arguments and errors as ``apply``; nothing is warned of.
        """
        refuse_unknown("draft", options, ApplyOptions)
        listener = Listener(on_step)
        with only_our_errors(listener), self._turn:
            request = apply_request(attributes, options, bank=self._bank, **self._where)
            planned = drafted(plan(request, self._described))
            given = GivenFiles.read(planned).decoded()
            editor = Editor(planned, planned.placement, backbone=self._model, memory=self._memory, acting=hastened)
            return like(given.image, editor.draw(planned, given, listener)[0].after)

    def sheet(
        self,
        *attributes: str,
        x: str,
        y: str | None = None,
        on_cell: OnCell = silent,
        **options: Unpack[ApplyOptions],
    ) -> bytes:
        """A strip or a grid as a PNG: ``studio.sheet(x="young=0:1:5", y="seed=0-3")``.

        Args:
            attributes: what all pictures have.
            x: what the columns vary, as ``attrbank grid --x`` has it.
            y: what the rows vary; None draws a single one.
            on_cell: called with the pictures done and their total; what it raises ends the run and comes back.
            options: as ``apply``, whose errors these are.
        """
        refuse_unknown("sheet", options, ApplyOptions)
        listener = Listener(on_cell)
        with only_our_errors(listener), self._turn:
            request = sheet_request(attributes, x, y, options, bank=self._bank, **self._where)
            plans = planned_cells(request, self._described)
            return sheet_of(request, plans, self._model, self._memory, self._letting_in(listener))[0]

    def learn(
        self,
        name: str,
        source: Texts | None = None,
        target: Texts | None = None,
        *,
        on_progress: OnProgress = quiet,
        on_warning: OnWarning | None = None,
        **options: Unpack[LearnOptions],
    ) -> Entry:
        """Learn an attribute as ``attrbank.learn`` does, whose arguments and errors these are; warnings too."""
        refuse_unknown("learn", options, LearnOptions)
        listener = Listener(on_progress)
        with only_our_errors(listener), self._turn:
            asked = learn_request(name, source, target, options, bank=self._bank)
            return learned(asked, self._letting_in(listener), self.backbone, self._model, on_warning=on_warning)

    def _letting_in(self, listener: Listener) -> Callable[..., None]:
        """A listener after which those who wait have their turn."""

        def told(*news: Any) -> None:
            listener(*news)
            self._turn.give_way()

        return told

    def __repr__(self) -> str:
        return f"<attrbank.Studio: {self.backbone}>"


def drawn(
    request: ApplyRequest,
    on_step: OnStep,
    model: Backbone | None = None,
    memory: Memory | None = None,
    described: MutableMapping[str, Description] | None = None,
    on_warning: OnWarning | None = None,
) -> Result:
    """Do what was asked for, and write nothing.

    Args:
        request: what.
        on_step: called with the denoising steps done and their total.
        model: the backbone, if it is loaded.
        memory: what it has predicted before.
        described: as ``plan`` has it.
        on_warning: called with each warning; None warns whoever called ``apply``.
    """
    planned = plan(request, described)
    for warning in planned.warnings:
        if on_warning is None:
            warnings.warn(warning, stacklevel=3)  # of the line that called ``apply``
        else:
            on_warning(warning)
    given = GivenFiles.read(planned).decoded()
    editor = Editor(planned, request.placement, backbone=model, memory=memory)
    return Result(planned, given, *editor.draw(planned, given, on_step))


def learned(
    asked: LearnRequest,
    on_progress: OnProgress,
    backbone: str | None,
    model: Backbone | None = None,
    placement: Placement | None = None,
    on_warning: OnWarning | None = None,
) -> Entry:
    """Learn what was asked for, and store it.

    Args:
        asked: what.
        on_progress: called with stage, done, total.
        backbone: what names the model.
        model: itself, if it is loaded.
        placement: where it is to run, if it is not.
        on_warning: as ``drawn``.
    """
    prepare, warn = None, on_warning or partial(warnings.warn, stacklevel=4)

    def drawn_too(stored: learning.Stored) -> None:
        if asked.preview and not asked.spec.pictures:
            from attrbank.evaluation.preview import preview_kept

            preview_kept(stored, asked.bank, on_progress, warn)

    if asked.tune:
        from attrbank.evaluation.tuning import tuning_of  # most attributes are learned without

        prepare = tuning_of(asked.spec, backbone, judge=asked.judge, goal=asked.goal, on_warning=warn)
    return learning.learn(
        asked.spec,
        backbone=model or backbone,
        placement=placement,
        bank=asked.bank,
        replace=asked.replace,
        force=asked.force,
        preset=asked.preset,
        prepare=prepare,
        on_stored=drawn_too,
        on_progress=on_progress,
        on_warning=warn,
    )
