"""Everything about a model that its folder tells without loading it: what plans and compatibility checks read.

The folder is in the Stable Diffusion format of diffusers. What is particular to a model may stand beside it in
``attrbank.json``: ``name``, ``words`` (those it knows), ``steps``, ``guidance_scale``, ``prompt``, ``sampler``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, ValidationError

from attrbank.backbones.fingerprint import fingerprint
from attrbank.diffusion.protocols import Defaults
from attrbank.diffusion.schedule import Schedule
from attrbank.errors import IncompatibleError, NotFoundError

PORTRAITS = Path(__file__).parent / "portraits" / "model"
"""The model that comes with attrbank."""

NETWORKS = {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
"""The networks we can load: the class that model_index.json must name for each."""

PREDICTION_TYPES = ("epsilon", "v_prediction")

HUB_FILES = (
    "model_index.json",
    "attrbank.json",
    "scheduler/*",
    "tokenizer/*",
    "*/config.json",
    "text_encoder/*.safetensors*",
    "unet/*.safetensors*",
    "vae/*.safetensors*",
)
HUB_VARIANTS = ("*.fp16*", "*.non_ema*", "safety_checker/*", "feature_extractor/*")

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
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
        """The part that recommends."""
        return Defaults(steps=self.steps, guidance_scale=self.guidance_scale, prompt=self.prompt, sampler=self.sampler)


@dataclass(frozen=True, kw_only=True)
class BackboneFolder:
    """A model on disk, described but not loaded.

    Attributes:
        name: from ``attrbank.json``, else as the user gave it.
        path: the folder.
        fingerprint: hex digest that decides whether an attribute fits.
        latent_shape: (C, H, W).
        prediction_type: "epsilon" or "v_prediction".
        schedule: the noise schedule of training.
        defaults: recommended settings.
        words: the words it knows, in lower case; None if it may know any.
    """

    name: str
    path: Path
    fingerprint: str
    latent_shape: tuple[int, int, int]
    prediction_type: str
    schedule: Schedule
    defaults: Defaults
    words: frozenset[str] | None

    def unknown_words(self, prompt: str) -> list[str]:
        """Words and signs of the prompt that the model has never seen, in order, each once."""
        if self.words is None:
            return []
        return [word for word in dict.fromkeys(_WORD.findall(prompt.lower())) if word not in self.words]


def resolve_backbone_path(reference: str, *, download: bool = True) -> Path:
    """The folder that a user's reference means.

    Args:
        reference: "portraits", a folder, or a hub id such as "owner/model".
        download: fetch a hub model that is not in the local cache.

    Raises:
        NotFoundError: there is no such model.
    """
    if reference == "portraits":
        return PORTRAITS
    path = Path(reference).expanduser()
    if os.path.isdir(path):
        return path
    if os.path.exists(path) or not _HUB_ID.fullmatch(reference):
        raise NotFoundError(
            f"There is no backbone {reference!r}.",
            hint="Give portraits, a folder in the format of diffusers, or a hub id such as owner/model.",
        )
    return _hub_folder(reference, download)


def read_folder(reference: str, *, download: bool = True) -> BackboneFolder:
    """Describe the model that a reference means, without loading it.

    Raises:
        NotFoundError: there is no such model, or it is not a diffusers folder.
        IncompatibleError: it is one, but not of a kind that we can load, or it is damaged.
    """
    path = resolve_backbone_path(reference, download=download)
    _check_pipeline(reference, _json(path / "model_index.json"))
    unet, scheduler = _json(path / "unet" / "config.json"), _json(path / "scheduler" / "scheduler_config.json")
    settings = _settings(path / "attrbank.json")
    return BackboneFolder(
        name=settings.name or reference,
        path=path,
        fingerprint=fingerprint(path / "unet", unet, scheduler),
        latent_shape=_latent_shape(unet, _json(path / "vae" / "config.json")),
        prediction_type=_prediction_type(scheduler),
        schedule=Schedule.from_config(scheduler),
        defaults=settings.defaults,
        words=None if settings.words is None else frozenset(word.lower() for word in settings.words),
    )


def describe(reference: str) -> BackboneFolder:
    """``read_folder`` for plans, which download nothing."""
    return read_folder(reference, download=False)


def _hub_folder(hub_id: str, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            hub_id,
            allow_patterns=list(HUB_FILES),
            ignore_patterns=list(HUB_VARIANTS),
            local_files_only=not download,
        )
    except Exception as error:  # a dozen unrelated kinds, from httpx to the hub's own
        raise NotFoundError(
            f"There is no folder {hub_id!r}, and no such model could be had from the hub.",
            hint="Check the spelling and the connection; a model that asks for a licence needs a login.",
        ) from error
    return Path(folder)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{path.parent} is not a model in the format of diffusers: it has no {path.name}.",
            hint="A single checkpoint file must first be converted to a folder.",
        ) from error
    except (OSError, ValueError) as error:
        raise IncompatibleError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise IncompatibleError(f"{path} is not a JSON object.")
    return content


def _settings(path: Path) -> Settings:
    if not path.is_file():
        return Settings()
    try:
        return Settings.model_validate(_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise IncompatibleError(f"{path} is malformed: {where}: {first['msg']}.") from error


def _check_pipeline(reference: str, index: Mapping[str, Any]) -> None:
    pipeline = index.get("_class_name")
    if pipeline != "StableDiffusionPipeline":
        raise IncompatibleError(
            f"{reference} is made for {pipeline}, which is not supported.",
            hint="Models for StableDiffusionPipeline are.",
        )
    for part, expected in NETWORKS.items():
        found = index.get(part)
        if not isinstance(found, list) or found[-1:] != [expected]:
            raise IncompatibleError(f"The {part} of {reference} is {found}, where only {expected} is supported.")


def _prediction_type(scheduler: Mapping[str, Any]) -> str:
    prediction_type = scheduler.get("prediction_type", "epsilon")
    if prediction_type not in PREDICTION_TYPES:
        raise IncompatibleError(
            f"A model that predicts {prediction_type!r} is not supported.",
            hint=f"Supported are {' and '.join(PREDICTION_TYPES)}.",
        )
    return str(prediction_type)


def _latent_shape(unet: Mapping[str, Any], vae: Mapping[str, Any]) -> tuple[int, int, int]:
    size, channels = unet.get("sample_size"), unet.get("in_channels", 4)
    height, width = size if isinstance(size, list) and len(size) == 2 else (size, size)
    shape = channels, height, width
    if not all(isinstance(side, int) and side > 0 for side in shape):
        raise IncompatibleError(f"The network's latents are {channels} × {size}, which is no shape.")
    if {channels} != {unet.get("out_channels", 4), vae.get("latent_channels", 4)}:
        raise IncompatibleError(
            f"The network takes {channels} channels, but the codec makes {vae.get('latent_channels', 4)}.",
            hint="Models for inpainting and depth are not supported.",
        )
    return cast(tuple[int, int, int], shape)
