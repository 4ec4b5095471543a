"""Cells of a sheet drawn by workers: rows by rows, or one by one where there is a single row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from attrbank.attribute.along import Carried, carried, unpacked
from attrbank.diffusion.protocols import Backbone
from attrbank.diffusion.remembering import Memory
from attrbank.editing.axes import OnCell
from attrbank.editing.plan import plan
from attrbank.editing.request import ApplyRequest
from attrbank.editing.retouching import GivenFiles
from attrbank.editing.run import Editor
from attrbank.errors import AttrbankError, CorruptArtifactError, PluginError
from attrbank.executors.carrying import TRIES, Carrier
from attrbank.executors.protocol import Executor, Task, Tell
from attrbank.names import Asked
from attrbank.plugins.jobs import job_of
from attrbank.plugins.manager import load_plugins
from attrbank.schema.fields import Record
from attrbank.schema.told import Told, framed, unframed
from attrbank.store.bank import Bank

TARGET = "attrbank.editing.cells_elsewhere:Work"

_REQUESTS = TypeAdapter(tuple[ApplyRequest, ...])


class Common(Record):
    """What all workers are given.

    Attributes:
        requests: of all cells, as JSON, in which attributes go by their ids.
        along: those attributes.
        backbone: what the client takes for the model.
    """

    requests: str
    along: tuple[Carried, ...]
    backbone: str


def drawn_elsewhere(
    cells: Sequence[ApplyRequest], columns: int, backbone: str, executor: Executor, on_cell: OnCell
) -> tuple[list[Tensor], int]:
    """Pictures (3, h, w) of all cells, in their order, and the rows that networks predicted for them.

    Args:
        cells: row by row.
        columns: of a row.
        backbone: the model's name.
        executor: whose workers draw.
        on_cell: called with the pictures that are done and their number.

    Raises:
        AttrbankError: a worker could not draw one, or there are none.
    """
    pictures: dict[int, Tensor] = {}
    evaluations = 0

    def hear(task: Task, message: bytes) -> None:
        nonlocal evaluations
        told, data = unframed(message)
        if told.said == "failed":
            raise AttrbankError(told.text)
        evaluations += told.done
        pictures[told.of] = _picture(told.text, data)
        on_cell(len(pictures), len(cells))

    job = job_of(TARGET, _packed(cells, backbone))
    each = columns if len(cells) > columns else 1
    tasks = (Task(first, f"{first}-{first + each}".encode()) for first in range(0, len(cells), each))
    for end in Carrier(executor, job)(tasks, hear):
        if end.lost:
            raise PluginError(f"A part of the sheet was not drawn, because {end.lost}, {TRIES} times.")
    if sorted(pictures) != [*range(len(cells))]:
        raise CorruptArtifactError("Workers have not drawn what they were asked for.")
    return [pictures[number] for number in range(len(cells))], evaluations


def _packed(cells: Sequence[ApplyRequest], backbone: str) -> bytes:
    bank = Bank.open(cells[0].bank)
    entries = {asked.reference: bank.resolve(asked.reference) for cell in cells for asked in cell.references}

    def renamed(asked: Asked) -> Asked:
        return asked._replace(reference=entries[asked.reference].id)

    requests = [
        replace(cell, references=tuple(map(renamed, cell.references)), bank=None, output=None) for cell in cells
    ]
    text = _REQUESTS.dump_json(tuple(requests)).decode()
    along = carried(bank, list(entries.values()))
    return Common.model_construct(requests=text, along=along, backbone=backbone).model_dump_json().encode()


def _picture(shape: str, data: bytes) -> Tensor:
    """The picture of a message.

    Raises:
        CorruptArtifactError: it is none.
    """
    try:
        size = tuple(map(int, shape.split(",")))
        if len(size) != 3 or size[0] != 3 or math.prod(size) * 4 != len(data):
            raise ValueError(shape)
        picture = torch.from_numpy(np.frombuffer(data, dtype="<f4").reshape(size).copy())
    except ValueError as error:
        raise CorruptArtifactError("A worker has told what is no picture.") from error
    if not bool(picture.isfinite().all()):
        raise CorruptArtifactError("A worker has told what is no picture.")
    return picture


class Work:
    """What a worker draws: some of the cells; what they have in common it predicts once.

    Args:
        common: see ``Common``.
    """

    def __init__(self, common: bytes) -> None:
        found = Common.model_validate_json(common)
        bank = unpacked(found.along, self).path
        self._cells = [replace(cell, bank=bank) for cell in _REQUESTS.validate_json(found.requests)]
        first = self._cells[0]
        self._model: Backbone = load_plugins().backbone(found.backbone, first.placement)
        self._memory = Memory()

    def __call__(self, payload: bytes, tell: Tell) -> None:
        """Draw the cells from the first number to before the second."""
        first, end = map(int, payload.split(b"-"))
        for number in range(first, end):
            try:
                tell(self._drawn(number))
            except AttrbankError as error:
                tell(framed(Told(said="failed", of=number, text=error.message)))
                return

    def _drawn(self, number: int) -> bytes:
        planned = plan(self._cells[number])
        editor = Editor(planned, planned.placement, backbone=self._model, memory=self._memory)
        drawn, rows = editor.draw(planned, GivenFiles.read(planned).decoded(), lambda done, total: None)
        after = drawn.after.float().contiguous().cpu().numpy()
        shape = ",".join(map(str, after.shape))
        return framed(Told(said="made", of=number, text=shape, done=rows), after.astype("<f4").tobytes())
