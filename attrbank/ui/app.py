"""The page's server: which address answers what. The work is done elsewhere, in threads."""

from __future__ import annotations

import mimetypes
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from attrbank.cli.compat import known_models
from attrbank.cli.doctor import devices
from attrbank.diffusion.placement import Placement
from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.learning.run import default_backbone
from attrbank.names import VERSION
from attrbank.plugins.manager import load_plugins
from attrbank.studio.foreign import only_our_errors
from attrbank.ui.asked import DrawOrder, LearnOrder, NewName, NewNote, NewTags, SaveOrder, SheetOrder, read
from attrbank.ui.drawing import Drawing
from attrbank.ui.dropped import Dropped, taken
from attrbank.ui.guard import Guard
from attrbank.ui.learnings import Learnings
from attrbank.ui.models import Models
from attrbank.ui.refusal import told
from attrbank.ui.shelf import Shelf

FILES = Path(__file__).with_name("page")
PNG, JPEG = mimetypes.types_map[".png"], mimetypes.types_map[".jpg"]

LONGEST_ORDER, LARGEST_PICTURE = 2**16, 2**26
"""Bytes."""

Answer = TypeVar("Answer")


class Page:
    """What is behind the page, from when it is opened to when it is closed.

    Args:
        backbone: the model that it begins with.
        bank: the bank's folder; None is the user's.
        placement: where models are to run.
    """

    def __init__(self, backbone: str | None, bank: Path | None, placement: Placement | None) -> None:
        self._begins_with = backbone or default_backbone()
        self._folder = tempfile.TemporaryDirectory(prefix="attrbank-ui-", ignore_cleanup_errors=True)
        self._models, self._dropped = Models(bank, placement), Dropped(Path(self._folder.name))
        self._drawing, self._shelf = Drawing(self._models, self._dropped, bank), Shelf(bank)
        self._learnings = Learnings()
        self._models.of(self._begins_with)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._learnings.end()
        self._folder.cleanup()

    def guarded(self, port: int, key: str) -> Guard:
        """The application as it is served at a port of this computer, to who has the key."""
        return Guard(self.app(), port, key)

    def app(self) -> Starlette:
        """The application, unguarded."""
        routes = [
            Route("/", _front),
            Mount("/page", StaticFiles(directory=FILES)),
            Route("/api/start", self._start),
            Route("/api/model", self._model),
            Route("/api/draw", self._draw, methods=["POST"]),
            Route("/api/save", self._save, methods=["POST"]),
            Route("/api/sheet", self._sheet, methods=["POST"]),
            Route("/api/pictures", self._drop, methods=["POST"]),
            Route("/api/learn", self._learn, methods=["POST"]),
            Route("/api/learn/{key}", self._learning),
            Route("/api/learn/{key}", self._cancel, methods=["DELETE"]),
            Route("/api/bank", self._exhibits),
            Route("/api/trash", self._trash),
            Route("/api/previews/{id}", self._preview),
            Route("/api/bank/{id}/{change}", self._change, methods=["POST"]),
        ]
        handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {AttrbankError: _refused}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _start(self, request: Request) -> Response:
        return JSONResponse(await _aside(self._beginning))

    def _beginning(self) -> dict[str, Any]:
        samplers = [spec.name for spec, _ in load_plugins().registrations("sampler")]
        return {
            "version": VERSION,
            "backbone": self._begins_with,
            "backbones": list(dict.fromkeys([self._begins_with, *known_models()])),
            "samplers": samplers,
            "devices": devices(),
        }

    async def _model(self, request: Request) -> Response:
        """How far a model is, and what can act on it."""
        name = request.query_params.get("backbone") or self._begins_with
        model = self._models.of(name, request.query_params.get("device"), again="again" in request.query_params)
        known = await _aside(model.as_json)
        if model.error is not None:
            known["error"] = told(model.error)
        if model.description is not None:
            known["attributes"] = await _aside(self._shelf.sliders, model.description)
        return JSONResponse(known)

    async def _draw(self, request: Request) -> Response:
        order = read(DrawOrder, await _body(request, LONGEST_ORDER))
        return JSONResponse(await _aside(self._drawing.draw, order))

    async def _save(self, request: Request) -> Response:
        name, data = await _aside(self._drawing.save, read(SaveOrder, await _body(request, LONGEST_ORDER)))
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(data, media_type=PNG, headers=headers)

    async def _sheet(self, request: Request) -> Response:
        order = read(SheetOrder, await _body(request, LONGEST_ORDER))
        return Response(await _aside(self._drawing.sheet, order), media_type=PNG)

    async def _drop(self, request: Request) -> Response:
        name = request.query_params.get("name", "picture.png")
        data = await _body(request, LARGEST_PICTURE)
        return JSONResponse(await _aside(taken, self._dropped, name, data))

    async def _learn(self, request: Request) -> Response:
        order = read(LearnOrder, await _body(request, LONGEST_ORDER))
        learning = self._learnings.begin(order, self._models.of(order.backbone, order.device).studio())
        return JSONResponse(learning.as_json())

    async def _learning(self, request: Request) -> Response:
        return JSONResponse(self._learnings.of(request.path_params["key"]).as_json())

    async def _cancel(self, request: Request) -> Response:
        learning = self._learnings.of(request.path_params["key"])
        learning.cancel()
        return JSONResponse(learning.as_json())

    async def _exhibits(self, request: Request) -> Response:
        return JSONResponse(await _aside(self._shelf.exhibits, request.query_params.get("words", "")))

    async def _trash(self, request: Request) -> Response:
        return JSONResponse(await _aside(self._shelf.trash))

    async def _preview(self, request: Request) -> Response:
        picture = await _aside(self._shelf.preview, request.path_params["id"])
        if picture is None:
            raise NotFoundError("This attribute has no preview.")
        return Response(picture, media_type=JPEG, headers={"Cache-Control": "private, max-age=600"})

    async def _change(self, request: Request) -> Response:
        """Say something of an attribute, put it into the trash, or take it out."""
        identity, change = request.path_params["id"], request.path_params["change"]
        data = await _body(request, LONGEST_ORDER)
        if change not in CHANGES:
            raise NotFoundError(f"Nothing here is called {change!r}.")
        await _aside(CHANGES[change], self._shelf, identity, data)
        return JSONResponse({})


CHANGES: dict[str, Callable[[Shelf, str, bytes], object]] = {
    "name": lambda shelf, identity, data: shelf.rename(identity, read(NewName, data).name),
    "tags": lambda shelf, identity, data: shelf.retag(identity, read(NewTags, data).tags),
    "note": lambda shelf, identity, data: shelf.note(identity, read(NewNote, data).note),
    "trash": lambda shelf, identity, data: shelf.bank.remove(identity),
    "restore": lambda shelf, identity, data: shelf.bank.restore(identity),
}
"""What may be done to an attribute of the bank."""


async def _front(request: Request) -> Response:
    return FileResponse(FILES / "index.html")


async def _aside(work: Callable[..., Answer], *given: Any) -> Answer:
    """Do it in a thread, so that other tabs are answered meanwhile; errors are ours."""

    def done() -> Answer:
        with only_our_errors():
            return work(*given)

    return await run_in_threadpool(done)


async def _body(request: Request, most: int) -> bytes:
    """What was sent.

    Raises:
        InvalidValueError: it is too much.
    """
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > most:
            raise InvalidValueError("This is too large.", f"The limit is {most // 2**20 or 1} MiB.")
    return bytes(data)


async def _refused(request: Request, error: AttrbankError) -> Response:
    return JSONResponse({"error": told(error)}, 404 if isinstance(error, NotFoundError) else 400)
