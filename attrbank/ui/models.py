"""Models for the page: each is loaded in the background, and the last few stay loaded."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import Description
from attrbank.diffusion.remembering import ROOM
from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.plugins.manager import load_plugins
from attrbank.studio.foreign import only_our_errors
from attrbank.studio.studio import Studio

MOST = 2
"""Models that are loaded at once; one that could not be had goes before any other."""

PREDICTIONS = 512
"""How many of its model's each remembers: what came before the edit is asked for at every move, and little else."""


class Model:
    """A model that is being loaded, is ready, or cannot be had.

    Args:
        name: as the user gave it.
        bank: whose attributes it applies.
        placement: where it is to run.

    Attributes:
        description: known before it is loaded; None until then.
        error: why it cannot be had.
    """

    description: Description | None = None
    error: AttrbankError | None = None

    def __init__(self, name: str, bank: Path | None, placement: Placement | None) -> None:
        self.name, self._bank, self._placement = name, bank, placement
        self._studio: Studio | None = None
        self._begun, self._taken = time.monotonic(), 0.0
        self._done = threading.Event()
        threading.Thread(target=self._load, name=f"loading {name}", daemon=True).start()

    @property
    def state(self) -> str:
        """``loading``, ``ready`` or ``failed``."""
        if not self._done.is_set():
            return "loading"
        return "ready" if self.error is None else "failed"

    @property
    def seconds(self) -> float:
        """How long it has been loading, or took."""
        return self._taken or time.monotonic() - self._begun

    def studio(self) -> Studio:
        """What draws with it.

        Raises:
            InvalidValueError: it is not loaded yet.
            AttrbankError: it cannot be loaded.
        """
        if self.error is not None:
            raise self.error
        if self._studio is None:
            raise InvalidValueError(f"{self.name} is still being loaded.", "Wait a moment.")
        return self._studio

    def _load(self) -> None:
        try:
            with only_our_errors():
                plugins = load_plugins()
                self.description = plugins.describe(self.name)
                model = plugins.backbone(self.name, self._placement)
                room = min(ROOM, PREDICTIONS * 2 * 4 * math.prod(model.latent_shape))  # ε and x̂0 in float32
                self._studio = Studio(self.name, model, self._bank, self._placement, room)
        except AttrbankError as error:
            self.error = error
        finally:
            self._taken = time.monotonic() - self._begun
            self._done.set()

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        known = self.description
        return {
            "backbone": self.name,
            "state": self.state,
            "seconds": round(self.seconds, 1),
            "defaults": known and {name: getattr(known.defaults, name) for name in known.defaults.__annotations__},
            "words": known and known.words and sorted(known.words),
        }


class Models:
    """The models that tabs have chosen, by name.

    Args:
        bank: whose attributes they apply.
        placement: where they are to run.
    """

    def __init__(self, bank: Path | None, placement: Placement | None) -> None:
        self._bank, self._placement = bank, placement
        self._known: OrderedDict[tuple[str, str | None], Model] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, name: str, device: str | None = None, *, again: bool = False) -> Model:
        """The model of a name, which is loaded from now on if it was not.

        Args:
            name: as ``--backbone`` has it.
            device: as ``--device`` has it; None is where the page was told to run them.
            again: try once more what could not be loaded.

        Raises:
            InvalidValueError: no device is called so.
        """
        placement, key = self._on(device), (name, device)
        with self._lock:
            if again and key in self._known and self._known[key].state == "failed":
                del self._known[key]
            if key not in self._known:
                self._known[key] = Model(name, self._bank, placement)
            model = self._known[key]
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                failed = (other for other, known in self._known.items() if known.state == "failed")
                del self._known[next(failed, next(iter(self._known)))]
            return model

    def _on(self, device: str | None) -> Placement | None:
        return self._placement if device is None else replace(self._placement or Placement(), device=device)
