"""Perfect edits that were drawn beforehand, since drawing needs node: the same scene before and after."""

from __future__ import annotations

import functools
import io
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PATH = Path(__file__).parent / "perfect.npz.xz"


class Pairs(NamedTuple):
    """Scenes of one figure each, (N, 3, 128, 128), uint8: lacking what a goal promises, and having it."""

    before: Tensor
    after: Tensor


Numbered: TypeAlias = tuple[NDArray[np.int64], NDArray[np.uint8]]
"""Numbers (N,) and pictures (N, 128, 128, 3)."""


def store(path: Path, scenes: NDArray[np.uint8], edited: Mapping[str, Numbered]) -> None:
    """Write perfect edits; of what is edited only the differences, which are mostly zero, are kept.

    Args:
        path: an ``.npz.xz``, two thirds of what numpy's own compression would need.
        scenes: (M, 128, 128, 3), unedited.
        edited: for each goal the numbers of the scenes that lack it, and these edited.
    """
    stored: dict[str, NDArray[np.generic]] = {"scenes": scenes}
    for goal, (rows, after) in edited.items():
        stored[f"{goal}.rows"] = rows.astype(np.uint16)
        stored[f"{goal}.change"] = after - scenes[rows]  # modulo 256
    buffer = io.BytesIO()
    np.savez(buffer, **stored)  # type: ignore[arg-type]
    path.write_bytes(lzma.compress(buffer.getvalue(), preset=9))


@functools.cache
def load(path: Path = PATH) -> Mapping[str, Pairs]:
    """Perfect edits by goal."""
    with lzma.open(path) as file, np.lib.npyio.NpzFile(io.BytesIO(file.read()), allow_pickle=False) as stored:
        scenes, goals = stored["scenes"], [name.removesuffix(".rows") for name in stored if name.endswith(".rows")]
        found = {}
        for goal in goals:
            before = scenes[stored[f"{goal}.rows"]]
            found[goal] = Pairs(_tensor(before), _tensor(before + stored[f"{goal}.change"]))
    return found


def _tensor(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
