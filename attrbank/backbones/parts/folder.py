"""What every family's folder has in common: the description, the configuration files, ``attrbank.json``.

What is particular to a model may stand in its folder in ``attrbank.json``: ``name``, ``words`` (those it knows),
``steps``, ``guidance_scale``, ``prompt``, ``sampler``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, ValidationError

from attrbank import files
from attrbank.backbones.parts.windows import Window, unread
from attrbank.diffusion.placement import Dtype, Placement
from attrbank.diffusion.protocols import Defaults, Guidance
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import IncompatibleError, NotFoundError

PREDICTION_TYPES = ("epsilon", "v_prediction")

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s.,]")


class Settings(BaseModel):
    """The contents of ``attrbank.json``; whatever it leaves out has the general default."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    words: tuple[str, ...] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] = Defaults.steps
    guidance_scale: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = Defaults.guidance_scale
    prompt: str = Defaults.prompt
    sampler: str = Defaults.sampler

    @property
    def defaults(self) -> Defaults:
        """What the model recommends to those who do not ask for anything else."""
        return Defaults(steps=self.steps, guidance_scale=self.guidance_scale, prompt=self.prompt, sampler=self.sampler)

    @property
    def known_words(self) -> frozenset[str] | None:
        """The words in lower case; None if the model may know any."""
        return None if self.words is None else frozenset(word.lower() for word in self.words)


@dataclass(frozen=True, kw_only=True)
class BackboneFolder:
    """A model on disk, described but not loaded.

    Attributes:
        name: from ``attrbank.json``, else as the user gave it.
        path: the folder.
        fingerprint: hex digest that decides whether an attribute fits.
        latent_shape: (C, H, W).
        prediction_type: "epsilon", "v_prediction" or "flow".
        schedule: the noise schedule of training.
        defaults: recommended settings.
        words: the words it knows, in lower case; None if it may know any.
        guidance: how it is guided.
        weights: the folder or the file that holds the network that denoises; its size decides what is large.
        former_fingerprint: by which older artifacts know it.
        parts: SHA-256 in hex of what stands around that network: "text", "codec", "sampling".
        half: the half precision that suits the family.
        windows: what its text encoders take of a prompt.
        checkpoint: the file that holds the weights; None if the folder does.
        family: which kind of model it is, a name in ``families.FAMILIES``.
    """

    name: str
    path: Path
    fingerprint: str
    latent_shape: tuple[int, int, int]
    prediction_type: str
    schedule: Schedule
    defaults: Defaults
    words: frozenset[str] | None
    weights: Path
    former_fingerprint: str
    parts: Mapping[str, str]
    half: Dtype = "float16"
    windows: tuple[Window, ...] = ()
    guidance: Guidance = "classifier-free"
    family: str = ""
    checkpoint: Path | None = None

    def unknown_words(self, prompt: str) -> list[str]:
        """Words and signs of the prompt that the model has never seen, in order, each once."""
        if self.words is None:
            return []
        return [word for word in dict.fromkeys(_WORD.findall(prompt.lower())) if word not in self.words]

    def unread(self, prompt: str) -> str:
        """The words at the end of a prompt that the model does not read, because it is too long."""
        return unread(prompt, self.windows)

    def precision(self, placement: Placement | None) -> Dtype:
        """The precision that its networks will have where a user wants them.

        Raises:
            InvalidValueError: they cannot run there.
        """
        from attrbank.backbones.parts.devices import residence  # torch knows which devices there are

        dtype = str(residence(placement or Placement(), self.weights, self.half).dtype)
        return cast(Dtype, dtype.removeprefix("torch."))


class Described:
    """The part of a backbone that its description settles: all its facts, and none of its networks."""

    def __init__(self, folder: BackboneFolder) -> None:
        self.name = folder.name
        self.fingerprint = folder.fingerprint
        self.former_fingerprint = folder.former_fingerprint
        self.parts = folder.parts
        self.latent_shape = folder.latent_shape
        self.prediction_type = folder.prediction_type
        self.schedule = folder.schedule
        self.defaults = folder.defaults
        self.words = folder.words
        self.guidance = folder.guidance
        self.family = folder.family
        self._folder = folder

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of the prompt that the model has never seen, in order; empty if it may know any word."""
        return self._folder.unknown_words(prompt)

    def unread(self, prompt: str) -> str:
        """The words at the end of a prompt that the model does not read, because it is too long."""
        return self._folder.unread(prompt)


def read_json(path: Path) -> Mapping[str, Any]:
    """One of the folder's configuration files.

    Raises:
        NotFoundError: it is not there, so the folder is of another format.
        IncompatibleError: it is damaged.
    """
    try:
        content = json.loads(files.read_text(path))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{path.parent} is not a model in the format of diffusers: it has no {path.name}.",
            hint="A single checkpoint file must first be converted to a folder.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise IncompatibleError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise IncompatibleError(f"{path} is not a JSON object.")
    return content


def read_settings(folder: Path, recommended: Mapping[str, Any] | None = None) -> Settings:
    """The folder's ``attrbank.json``; what it leaves out is as the family recommends, else the general default.

    Raises:
        IncompatibleError: it is malformed.
    """
    path = folder / "attrbank.json"
    own = read_json(path) if path.is_file() else {}
    try:
        return Settings.model_validate({**(recommended or {}), **own})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise IncompatibleError(f"{path} is malformed: {where}: {first['msg']}.") from error


def require_networks(reference: str, index: Mapping[str, Any], networks: Mapping[str, str]) -> None:
    """Check that ``model_index.json`` names the classes that a family's loader knows.

    Args:
        reference: how the user named the model.
        index: the contents of ``model_index.json``.
        networks: part of the folder -> the class that it must have.

    Raises:
        IncompatibleError: a part is missing, or of another class.
    """
    for part, expected in networks.items():
        found = index.get(part)
        if not isinstance(found, list) or found[-1:] != [expected]:
            raise IncompatibleError(f"The {part} of {reference} is {found}, where only {expected} is supported.")


def prediction_type(scheduler: Mapping[str, Any]) -> str:
    """What the network predicts, by ``scheduler_config.json``.

    Raises:
        IncompatibleError: it is neither ε nor v.
    """
    found = scheduler.get("prediction_type", "epsilon")
    if found not in PREDICTION_TYPES:
        raise IncompatibleError(
            f"A model that predicts {found!r} is not supported.",
            hint=f"Supported are {' and '.join(PREDICTION_TYPES)}.",
        )
    return str(found)


def latent_shape(network: Mapping[str, Any], codec: Mapping[str, Any]) -> tuple[int, int, int]:
    """(C, H, W) by the configurations of the network that denoises and of the codec, which must agree.

    Raises:
        IncompatibleError: they do not, or give no shape.
    """
    size, channels = network.get("sample_size"), network.get("in_channels", 4)
    height, width = size if isinstance(size, list) and len(size) == 2 else (size, size)
    shape = channels, height, width
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise IncompatibleError(f"The network's latents are {channels} × {size}, which is no shape.")
    if {channels} != {network.get("out_channels") or channels, codec.get("latent_channels", 4)}:
        raise IncompatibleError(
            f"The network takes {channels} channels, but the codec makes {codec.get('latent_channels', 4)}.",
            hint="Models for inpainting and depth are not supported.",
        )
    return cast(tuple[int, int, int], shape)
