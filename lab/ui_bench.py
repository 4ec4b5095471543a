"""How long a moved slider takes to become a picture, over HTTP as the page asks for it: ``python -m lab.ui_bench``.

A slider goes to and fro over its range, as a draft each time; now and then it stands, and the exact picture is drawn.
The figures depend on what else the machine has to do, so its load stands beside them, and the time that the processors
spent on it, which is about what a machine at rest takes with one thread.
"""

from __future__ import annotations

import http.client
import json
import os
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import torch
import typer
import uvicorn

from attrbank.ui.app import Page
from attrbank.ui.command import HOST, QUIETLY, listen

PROMPT, SEED = "a photo of an old man", 7
EXACT_EVERY = 10
KEY = "key"

Ask: TypeAlias = Callable[[str, dict[str, Any] | None], dict[str, Any]]


def main(
    moves: Annotated[int, typer.Option(help="How often the slider moves.")] = 100,
    threads: Annotated[int, typer.Option(help="Of torch.")] = os.cpu_count() or 1,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="Also write the figures there.")] = None,
) -> None:
    """Move a slider of ``portraits``, and say how soon its pictures come."""
    torch.set_num_threads(threads)
    with serving() as ask:
        figures = measured(ask, moves) | {"torch_threads": threads}
    text = json.dumps(figures, indent=1)
    print(text)
    if out is not None:
        out.write_text(text + "\n")


@contextmanager
def hosting() -> Iterator[int]:
    """The port of the page's server, whose key is ``KEY``."""
    with listen(0) as listening, Page("portraits", None, None) as page:
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(page.guarded(port, KEY), **QUIETLY))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield port
        server.should_exit = True
        thread.join()


@contextmanager
def serving() -> Iterator[Ask]:
    """What asks the page's server, its model loaded."""
    with hosting() as port:
        headers = {"Cookie": f"attrbank-{port}={KEY}", "Origin": f"http://{HOST}:{port}"}
        connection = http.client.HTTPConnection(HOST, port)

        def ask(path: str, order: dict[str, Any] | None) -> dict[str, Any]:
            body = None if order is None else json.dumps(order)
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = json.loads(connection.getresponse().read())
            if "error" in answer:
                raise SystemExit(answer["error"]["message"])
            return dict(answer)

        while ask("/api/model", None)["state"] == "loading":
            time.sleep(0.2)
        yield ask


def measured(ask: Ask, moves: int) -> dict[str, Any]:
    """Milliseconds from a move to its picture, by the clock and of the processors; MiB at first and at every fifth."""
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    draw(ask, 0, 0.5, draft=False)  # the prompt and the seed are new, which no slider's move is
    draw(ask, 1, 0.6, draft=True)
    load, memory = os.getloadavg()[0], [resident()]
    for move in range(2, moves + 2):
        draft = bool(move % EXACT_EVERY)
        clock, own = time.perf_counter(), time.process_time()
        draw(ask, move, round(abs(move * 0.0371 % 2 - 1), 4), draft=draft)
        taken[draft].append((time.perf_counter() - clock, time.process_time() - own))
        if move % max(1, moves // 5) == 0:
            memory.append(resident())
    return {
        "moves": moves,
        "draft": summary(taken[True]),
        "exact": summary(taken[False]),
        "memory_mib": memory,
        "load": {"before": round(load, 2), "after": round(os.getloadavg()[0], 2), "cores": os.cpu_count()},
    }


def draw(ask: Ask, number: int, strength: float, *, draft: bool) -> None:
    """One picture of two attributes, of which the first is moved."""
    attributes = [{"name": "young", "strength": strength}, {"name": "smile", "strength": 0.5}]
    wish = {"backbone": "portraits", "attributes": attributes, "prompt": PROMPT, "seed": SEED}
    answer = ask("/api/draw", {"tab": "bench", "number": number, "draft": draft, "wish": wish})
    if "after" not in answer:
        raise SystemExit("The server answered with something else than a picture.")


def summary(taken: list[tuple[float, float]]) -> dict[str, Any]:
    """Median and 95th percentile in milliseconds."""
    clock, own = zip(*taken, strict=True)
    return {"clock_ms": _middle_and_high(clock), "processor_ms": _middle_and_high(own)}


def resident() -> int:
    """MiB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def _middle_and_high(seconds: tuple[float, ...]) -> dict[str, int]:
    ordered = sorted(1000 * second for second in seconds)
    high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {"median": round(statistics.median(ordered)), "p95": round(high)}


if __name__ == "__main__":
    typer.run(main)
