"""Attributes that are being learned for the page: each in a thread of its own, with progress, and to be cancelled."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import Any

from attrbank.errors import AttrbankError, NotFoundError
from attrbank.studio.studio import Studio
from attrbank.ui.asked import LearnOrder
from attrbank.ui.refusal import told

MOST = 16
STORED = "drawing a preview"
"""The stage by which an attribute is in the bank: it is too late to cancel."""


class CancelledError(Exception):
    """The user does not want it any more."""


class Learning:
    """One attribute that is being learned, was, or could not be.

    Args:
        order: what to learn.
        studio: what learns it.
    """

    def __init__(self, order: LearnOrder, studio: Studio) -> None:
        self.key = secrets.token_urlsafe(8)
        self._order, self._studio = order, studio
        self._news: dict[str, Any] = {"state": "running", "stage": "beginning", "done": 0, "total": 1}
        self._warnings: list[str] = []
        self._cancelled = threading.Event()
        threading.Thread(target=self._run, name=f"learning {order.name}", daemon=True).start()

    def cancel(self) -> None:
        """End it soon, with nothing stored; what is stored already stays."""
        self._cancelled.set()

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return {"key": self.key, "name": self._order.name, **self._news, "warnings": list(self._warnings)}

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return bool(self._news["state"] == "running")

    def _run(self) -> None:
        order = self._order
        options = order.model_dump(include={"seeds", "steps", "replace", "force"}, exclude_none=True)
        try:
            entry = self._studio.learn(
                order.name,
                order.source,
                order.target,
                on_progress=self._told,
                on_warning=self._warnings.append,
                **options,
            )
            self._news = {"state": "done", "id": entry.id, "reference": entry.reference}
        except CancelledError:
            self._news = {"state": "cancelled"}
        except AttrbankError as error:
            self._news = {"state": "failed", "error": told(error)}

    def _told(self, stage: str, done: int, total: int) -> None:
        if self._cancelled.is_set() and stage != STORED:
            raise CancelledError
        self._news = {"state": "running", "stage": stage, "done": done, "total": total}


class Learnings:
    """All of them; of too many, the oldest that have ended are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Learning] = OrderedDict()

    def begin(self, order: LearnOrder, studio: Studio) -> Learning:
        """Learn an attribute from now on."""
        for key in [key for key, learning in self._known.items() if not learning.running][: -MOST + 1 or None]:
            if len(self._known) >= MOST:
                del self._known[key]
        learning = Learning(order, studio)
        self._known[learning.key] = learning
        return learning

    def of(self, key: str) -> Learning:
        """The learning of a key.

        Raises:
            NotFoundError: there is none, or no longer.
        """
        if key not in self._known:
            raise NotFoundError("Nothing of that kind is being learned.", "Look for it in the gallery.")
        return self._known[key]

    def end(self) -> None:
        """Cancel all of them."""
        for learning in self._known.values():
            learning.cancel()
