"""A whole model in one safetensors file, with the names that its first authors gave to its tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from attrbank.backbones.parts.components import FolderParts, silence
from attrbank.backbones.parts.folder import BackboneFolder, read_json
from attrbank.errors import IncompatibleError


class CheckpointParts(FolderParts):
    """The same parts, taken out of the file by the pipeline that the configuration names.

    Args:
        folder: the configuration and the tokenizers.
        checkpoint: the weights.
        dtype: the precision of the networks.

    Raises:
        IncompatibleError: the file is damaged, or its weights do not fit the configuration.
    """

    def __init__(self, folder: Path, checkpoint: Path, dtype: torch.dtype) -> None:
        super().__init__(folder)
        self._checkpoint = checkpoint
        kind = read_json(folder / "model_index.json")["_class_name"]
        try:
            with silence():
                pipeline = getattr(diffusers, kind)  # imported now, which warns of optional packages
                self._pipeline = pipeline.from_single_file(
                    str(checkpoint), config=str(folder), torch_dtype=dtype, local_files_only=True
                )
        except Exception as error:  # OSError, ValueError, RuntimeError, SafetensorError, KeyError ... by version
            reason = str(error).partition("\n")[0]
            raise IncompatibleError(f"{checkpoint} cannot be loaded with {folder}: {reason}") from error

    def network(self, kind: Any, part: str, dtype: torch.dtype) -> Any:
        """A network of the class ``kind``, frozen.

        Raises:
            IncompatibleError: the file lacks some of its weights.
        """
        network = getattr(self._pipeline, part)
        if missing := [name for name, weight in network.named_parameters() if weight.is_meta]:
            raise IncompatibleError(f"{self._checkpoint} lacks weights of the {part}, {missing[0]} for one.")
        with silence():
            return network.to(dtype).eval().requires_grad_(False)


def parts_of(folder: BackboneFolder, dtype: torch.dtype) -> FolderParts:
    """The parts of a model, wherever its weights are; raises as ``CheckpointParts`` does."""
    if folder.checkpoint is None:
        return FolderParts(folder.path)
    return CheckpointParts(folder.path, folder.checkpoint, dtype)
