"""Stable Diffusion 1.x and 2.x, described from their folder alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from attrbank.backbones.parts.fingerprint import NamesInCheckpoints, Traits, fingerprints
from attrbank.backbones.parts.folder import (
    BackboneFolder,
    latent_shape,
    prediction_type,
    read_json,
    read_settings,
    require_networks,
)
from attrbank.backbones.parts.part_prints import part_prints
from attrbank.backbones.parts.recommended import as_sampled, recommended
from attrbank.backbones.parts.single_file import scheduler_facts
from attrbank.backbones.parts.vocabulary import check_vocabulary
from attrbank.backbones.parts.windows import clip_window, side_by_side, window_spans
from attrbank.diffusion.schedule import Schedule
from attrbank.diffusion.spelling import TokenSpans
from attrbank.errors import IncompatibleError

NETWORKS = {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
"""The networks we can load: the class that model_index.json must name for each."""

TRAITS = Traits(
    part="unet",
    tensors=(
        "conv_in.weight",
        "conv_in.bias",
        "time_embedding.linear_1.weight",
        "time_embedding.linear_1.bias",
        "conv_out.weight",
        "conv_out.bias",
    ),
    config=(
        "in_channels",
        "out_channels",
        "sample_size",
        "block_out_channels",
        "layers_per_block",
        "down_block_types",
        "up_block_types",
        "cross_attention_dim",
        "attention_head_dim",
    ),
    scheduler={
        "num_train_timesteps": 1000,
        "beta_start": 0.0001,
        "beta_end": 0.02,
        "beta_schedule": "linear",
        "trained_betas": None,
        "rescale_betas_zero_snr": False,
        "prediction_type": "epsilon",
    },
)

_PREFIX = "model.diffusion_model."

NAMES_IN_CHECKPOINTS = {
    f"{ours}.{kind}": f"{_PREFIX}{theirs}.{kind}"
    for ours, theirs in {
        "conv_in": "input_blocks.0.0",
        "time_embedding.linear_1": "time_embed.0",
        "conv_out": "out.2",
    }.items()
    for kind in ("weight", "bias")
}
"""What the tensors of the fingerprint are called in a checkpoint file."""


def name_in_checkpoints(name: str) -> str:
    """What a tensor of the fingerprint is called in a checkpoint file, without the prefix of its network."""
    return NAMES_IN_CHECKPOINTS[name].removeprefix(_PREFIX)


class SpelledFolder(BackboneFolder):
    """A model whose text encoders are CLIP's alone, so that it is known where the words of a prompt come to stand."""

    def token_spans(self, prompt: str) -> tuple[TokenSpans, ...]:
        """How each text encoder spells a prompt; what they make stands side by side in ``text``.

        Raises:
            IncompatibleError: a tokenizer cannot be read.
            InvalidValueError: the prompt is not valid Unicode.
        """
        names = (window.tokenizer.name.replace("tokenizer", "text_encoder") for window in self.windows)
        encoders = (
            (name, window.width, window_spans(prompt, window)) for name, window in zip(names, self.windows, strict=True)
        )
        return side_by_side(encoders, "text")


def describe(reference: str, path: Path, index: Mapping[str, Any], checkpoint: Path | None = None) -> SpelledFolder:
    """The description of the model in ``path``, whose ``model_index.json`` is ``index``.

    Args:
        reference: how the user names it.
        path: the folder, which need not hold weights if there is a checkpoint.
        index: the contents of ``model_index.json``.
        checkpoint: the file that holds the weights instead.

    Raises:
        NotFoundError: a configuration file is missing.
        IncompatibleError: the model is of a kind that we cannot load, or damaged.
    """
    require_networks(reference, index, NETWORKS)
    facts = facts_of(reference, path, index, checkpoint, NETWORKS)
    # As the pipeline of diffusers does, whatever the file says: files from before there was an offset have 0.
    return SpelledFolder(**facts | {"schedule": replace(facts["schedule"], steps_offset=1)})


def facts_of(
    reference: str,
    path: Path,
    index: Mapping[str, Any],
    checkpoint: Path | None,
    networks: Iterable[str],
    addition: str | None = None,
) -> dict[str, Any]:
    """What a ``SpelledFolder`` says, read alike for every model with this UNet; raises as ``describe`` does.

    Args:
        reference: how the user names the model.
        path: its folder.
        index: the contents of ``model_index.json``.
        checkpoint: the file that holds the weights instead.
        networks: the parts that hold weights.
        addition: what the UNet may be told beside prompt, time and guidance, as its ``addition_embed_type`` has it.
    """
    unet, scheduler = read_json(path / "unet" / "config.json"), read_json(path / "scheduler" / "scheduler_config.json")
    if checkpoint is not None:
        scheduler = {**scheduler, **scheduler_facts(checkpoint)}
    _refuse_continuous(reference, scheduler)
    _refuse_other_inputs(reference, unet, addition)
    suffixes = [name.removeprefix("text_encoder") for name in networks if name.startswith("text_encoder")]
    for suffix in suffixes:
        check_vocabulary(reference, path, suffix)
    embeds_guidance = unet.get("time_cond_proj_dim") is not None
    settings = read_settings(path, recommended(scheduler, embeds_guidance=embeds_guidance))
    weights = checkpoint or path / "unet"
    names = NamesInCheckpoints(_PREFIX, NAMES_IN_CHECKPOINTS) if checkpoint else None
    prints = fingerprints(weights, unet, scheduler, TRAITS, names)
    return {
        "name": reference if checkpoint else settings.name or reference,
        "path": path,
        "checkpoint": checkpoint,
        "weights": weights,
        "fingerprint": prints.now,
        "former_fingerprint": prints.former,
        "windows": tuple(clip_window(path, suffix) for suffix in suffixes),
        "parts": part_prints(path, networks, index, checkpoint),
        "latent_shape": latent_shape(unet, read_json(path / "vae" / "config.json")),
        "prediction_type": prediction_type(scheduler),
        "schedule": Schedule.from_config(as_sampled(scheduler)),
        "guidance": "embedded" if embeds_guidance else "classifier-free",
        "defaults": settings.defaults,
        "words": settings.known_words,
    }


def _refuse_continuous(reference: str, scheduler: Mapping[str, Any]) -> None:
    """A configuration of these would pass for a discrete schedule with every default, and give pictures of nothing."""
    kind = str(scheduler.get("_class_name", ""))
    if kind.startswith(("EDM", "FlowMatch")):
        raise IncompatibleError(f"{reference} was trained for {kind}, which has no discrete noise schedule.")


OTHER_INPUTS = {
    "class_embed_type": "a class",
    "num_class_embeds": "a class",
    "encoder_hid_dim_type": "another encoder's output",
    "addition_embed_type": "more than prompt and time",
}


_PROJECTS_PROMPTS = ("encoder_hid_dim_type", "text_proj")
"""What it is told is the prompt all the same, only of another width."""


def _refuse_other_inputs(reference: str, unet: Mapping[str, Any], addition: str | None) -> None:
    """Such a network fails at its first step, or runs without what it was trained with."""
    for key, what in OTHER_INPUTS.items():
        found, known = unet.get(key), addition if key == "addition_embed_type" else None
        if found != known and (key, found) != _PROJECTS_PROMPTS:
            raise IncompatibleError(
                f"The UNet of {reference} wants to be told {what} ({key}: {found!a:.40}), which is not supported."
                if found is not None
                else f"The UNet of {reference} is not told what its pipeline tells ({key}: {known!a}).",
                hint="See that model_index.json names the pipeline that the model was made for.",
            )
