"""Strips and grids: one picture for each place on two axes, of which only what differs is run again."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attrbank import files
from attrbank.diffusion.protocols import Backbone, Description
from attrbank.diffusion.remembering import Memory
from attrbank.editing.axes import OnCell, SheetRequest
from attrbank.editing.cells_elsewhere import drawn_elsewhere
from attrbank.editing.plan import Plan, plan
from attrbank.editing.retouching import GivenFiles
from attrbank.editing.run import Editor
from attrbank.executors.protocol import Executor
from attrbank.pictures.sheet import draw_grid, png_of
from attrbank.pictures.write import create_numbered, require_writable
from attrbank.plugins.manager import load_plugins

LARGEST = 256
"""Pixels: how wide a picture is on a sheet at most."""


@dataclass(frozen=True)
class Sheet:
    """What was drawn.

    Attributes:
        output: the PNG.
        cells: the plans of its pictures, row by row.
        unet_evaluations: rows that the network predicted for all of them.
    """

    output: Path
    cells: Sequence[Plan]
    unet_evaluations: int

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        cells = [cell.as_dict() for cell in self.cells]
        return {"output": str(self.output), "unet_evaluations": self.unet_evaluations, "cells": cells}


def draw_cells(
    request: SheetRequest,
    name: str,
    on_cell: OnCell = lambda done, total: None,
    executor: Executor | None = None,
) -> Sheet:
    """Draw every cell, lay them out, and write the PNG.

    Args:
        request: what to draw.
        name: the PNG's, where the request has none; the next free number if it is taken.
        on_cell: called with the pictures that are done and their number.
        executor: whose workers draw; None draws here.

    Raises:
        StorageError: the picture cannot be written; asked before anything is computed.
        NumericError: a latent is no longer finite.
        AttrbankError: see ``plan.plan``.
    """
    plans, first = planned_cells(request, {}), request.cells()[0]
    require_writable(first.output, (first.image, first.mask))
    if executor is not None:
        drawn = drawn_elsewhere(
            request.cells(), len(request.across.marks), plans[0].backbone_reference, executor, on_cell
        )
        return Sheet(_written(first.output, Path(name), _laid_out(request, drawn[0])), plans, drawn[1])
    model = load_plugins().backbone(plans[0].backbone_reference, first.placement)
    data, evaluations = sheet_of(request, plans, model, Memory(), on_cell)
    return Sheet(_written(first.output, Path(name), data), plans, evaluations)


def planned_cells(request: SheetRequest, described: MutableMapping[str, Description]) -> list[Plan]:
    """What each cell will do, row by row; arguments and errors as ``plan.plan``."""
    return [plan(cell, described) for cell in request.cells()]


def sheet_of(
    request: SheetRequest, plans: Sequence[Plan], model: Backbone, memory: Memory, on_cell: OnCell
) -> tuple[bytes, int]:
    """The sheet as a PNG, and the rows that the network predicted for it.

    Args:
        request: what to draw.
        plans: of its cells.
        model: the loaded backbone.
        memory: of what that has predicted before.
        on_cell: as ``draw_cells`` has it.
    """
    given, pictures, evaluations = GivenFiles.read(plans[0]).decoded(), list[Tensor](), 0
    for number, planned in enumerate(plans):
        on_cell(number, len(plans))
        editor = Editor(planned, planned.placement, backbone=model, memory=memory)
        drawn, rows = editor.draw(planned, given, lambda done, total: None)
        pictures.append(drawn.after)
        evaluations += rows
    on_cell(len(plans), len(plans))
    return _laid_out(request, pictures), evaluations


def _laid_out(request: SheetRequest, pictures: Sequence[Tensor]) -> bytes:
    """The PNG of pictures (3, h, w), row by row."""
    columns, rows = ([mark.label for mark in axis.marks] for axis in (request.across, request.down))
    stacks = [torch.stack(tuple(pictures[first :: len(columns)])) for first in range(len(columns))]
    return png_of(draw_grid(columns, stacks, gaps=(), labels=rows, largest=LARGEST), len(pictures))


def _written(asked: Path | None, name: Path, data: bytes) -> Path:
    if asked is None:
        return create_numbered(name, data)
    files.replace(asked, data)
    return asked
