"""The nodes: what ComfyUI asks of each, and what each does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor

from attrbank.plugin import Guest, InvalidValueError, edited, numbers, turns_of
from attrbank_comfyui import bank
from attrbank_comfyui.asking import Questions, heard_by, refuse_asking
from attrbank_comfyui.known import check
from attrbank_comfyui.patch import AtOnce, Carried
from attrbank_comfyui.run import Runs
from attrbank_comfyui.sheet import sheet
from attrbank_comfyui.space import Space, alpha_bar_of, nearest, refuse_other_shapes, scale_of

CATEGORY = "attrbank"
ATTRIBUTES = "ATTRBANK_ATTRIBUTES"
"""The type of wires that carry attributes."""

Attributes: TypeAlias = tuple[Guest, ...]
Latent: TypeAlias = Mapping[str, Any]
Inputs: TypeAlias = dict[str, dict[str, Any]]

STRENGTHS = ("STRING", {"default": "-1:1:5", "tooltip": "FROM:TO:COUNT, or a list by commas."})
STEP = ("INT", {"forceInput": True, "tooltip": "From the node Step of an attribute."})
SIGMAS = ("SIGMAS", {"tooltip": "All steps of the samplers, from BasicScheduler."})
FORCE = ("BOOLEAN", {"default": False, "tooltip": "Try it on a relative of its model."})


class LoadAttribute:
    """An attribute of the bank, at a strength; several in a chain."""

    CATEGORY = CATEGORY
    FUNCTION = "load"
    RETURN_TYPES = (ATTRIBUTES,)
    RETURN_NAMES = ("attributes",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802 — ComfyUI's name
        """A menu of the bank, as it is now."""
        strength = {"default": 1.0, "min": -10.0, "max": 10.0, "step": 0.05, "tooltip": "1 is the full effect."}
        at = {"default": "", "tooltip": "When it acts, as in 0.3; empty is its own time."}
        return {
            "required": {"attribute": (bank.names(),), "strength": ("FLOAT", strength)},
            "optional": {"at": ("STRING", at), "others": (ATTRIBUTES,)},
        }

    @classmethod
    def IS_CHANGED(cls, attribute: str, **_: Any) -> str:  # noqa: N802 — ComfyUI's name
        """Another value when the attribute was learned anew."""
        return bank.identity(attribute)

    def load(self, attribute: str, strength: float, at: str = "", others: Attributes = ()) -> tuple[Attributes]:
        """Those before it in the chain, and it."""
        return ((*others, bank.loaded(attribute, strength, at)),)


class StepOf:
    """The step at which attributes act: where the first sampler ends, and the second begins."""

    CATEGORY = CATEGORY
    FUNCTION = "find"
    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("step",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802 — ComfyUI's name
        """Attributes that act together, and the grid."""
        return {"required": {"model": ("MODEL",), "attributes": (ATTRIBUTES,), "sigmas": SIGMAS}}

    def find(self, model: Any, attributes: Attributes, sigmas: Tensor) -> tuple[int]:
        """Of all of them; refused if they act at different ones."""
        return (_step_of(Space(model), attributes, sigmas),)


class EditLatent:
    """Attributes in a latent that one sampler leaves and another goes on with."""

    CATEGORY = CATEGORY
    FUNCTION = "edit"
    RETURN_TYPES = ("LATENT",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802 — ComfyUI's name
        """What is between two samplers, and where that is."""
        return {
            "required": {
                "latent": ("LATENT",),
                "model": ("MODEL",),
                "attributes": (ATTRIBUTES,),
                "sigmas": SIGMAS,
                "step": STEP,
            },
            "optional": {"force": FORCE},
        }

    def edit(
        self, latent: Latent, model: Any, attributes: Attributes, sigmas: Tensor, step: int, force: bool = False
    ) -> tuple[Latent]:
        """The latent after their turn; what else is on the wire, such as a mask, stays."""
        samples = _edited(latent["samples"], model, attributes, sigmas, step, force=force)
        return ({**latent, "samples": samples},)


class PatchModel:
    """Attributes in a model, for any sampler that takes it."""

    CATEGORY = CATEGORY
    FUNCTION = "patch"
    RETURN_TYPES = ("MODEL",)
    WAYS: ClassVar = ["at once", "carried"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802 — ComfyUI's name
        """The CLIP is for attributes that ask the model; the latent's size is compared where there is one."""
        way = {"default": "at once", "tooltip": "'at once' is for euler and ddim, 'carried' for others without noise."}
        return {
            "required": {"model": ("MODEL",), "attributes": (ATTRIBUTES,), "way": (cls.WAYS, way)},
            "optional": {"clip": ("CLIP",), "latent": ("LATENT",), "force": FORCE},
        }

    def patch(
        self,
        model: Any,
        attributes: Attributes,
        way: str,
        clip: Any = None,
        latent: Latent | None = None,
        force: bool = False,
    ) -> tuple[Any]:
        """A copy of the model; the one given stays as it is."""
        bank.refuse_none(attributes)
        space, patched = Space(model), model.clone()
        shape = attributes[0].record.backbone.latent_shape
        samples = torch.empty(1, *shape) if latent is None else latent["samples"]
        refuse_other_shapes(samples)
        check(model, space, samples, attributes, force=force)
        runs, questions = Runs(attributes, space.schedule), Questions(patched, heard_by(clip, attributes))
        if way == "at once":
            patched.set_model_sampler_post_cfg_function(_plain(AtOnce(runs, questions)))
        else:
            around = model.model_options.get("model_function_wrapper")
            patched.set_model_unet_function_wrapper(_plain(Carried(runs, questions, around)))
        return (patched,)


class Strip:
    """One latent at several strengths, for one sampler to go on with: what comes before is sampled once."""

    CATEGORY = CATEGORY
    FUNCTION = "lay_out"
    RETURN_TYPES = ("LATENT",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802 — ComfyUI's name
        """As of ``EditLatent``, and the strengths."""
        inputs = EditLatent.INPUT_TYPES()
        inputs["required"]["strengths"] = STRENGTHS
        return inputs

    def lay_out(
        self,
        latent: Latent,
        model: Any,
        attributes: Attributes,
        sigmas: Tensor,
        step: int,
        strengths: str,
        force: bool = False,
    ) -> tuple[Latent]:
        """(B · strengths, C, H, W): each picture at every strength, times the attributes' own."""
        rows = [
            _edited(latent["samples"], model, _stronger(attributes, times), sigmas, step, force=force)
            for times in numbers(strengths)
        ]
        samples = torch.stack(rows, dim=1).flatten(0, 1)
        return ({"samples": samples},)  # masks and noise of a batch would not fit another one


class Sheet:
    """Pictures of a strip on one, under their strengths."""

    CATEGORY = CATEGORY
    FUNCTION = "draw"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:  # noqa: N802 — ComfyUI's name
        """The pictures of a strip, and the strengths that it had."""
        return {"required": {"images": ("IMAGE",), "strengths": STRENGTHS}}

    def draw(self, images: Tensor, strengths: str) -> tuple[Tensor]:
        """A row for each picture of the batch."""
        return (sheet(images, numbers(strengths)),)


def _plain(patch: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A patch as a function, which stays what it is where ComfyUI copies a model's options, with all that they hold."""

    def function(*given: Any) -> Tensor:
        return patch(*given)

    return function


def _edited(samples: Tensor, model: Any, attributes: Attributes, sigmas: Tensor, step: int, *, force: bool) -> Tensor:
    space = Space(model)
    refuse_other_shapes(samples)
    refuse_asking(attributes)
    check(model, space, samples, attributes, force=force)
    acting = _step_of(space, attributes, sigmas)
    if acting != step:
        raise InvalidValueError(
            f"{attributes[0].record.name} acts at step {acting} of these, not at {step}.",
            hint="Let the node Step of an attribute say where the first sampler ends and the second begins.",
        )
    sigma = float(sigmas[step])
    ready = [attribute.on(space.schedule) for attribute in attributes]
    turns = turns_of(ready, lambda time: nearest(sigmas.tolist(), time))
    before = space.inside(samples)
    after = edited(before, turns, scale_of(sigma), alpha_bar_of(sigma), _nobody)
    return samples if torch.equal(after, before) else space.outside(after)


def _step_of(space: Space, attributes: Attributes, sigmas: Tensor) -> int:
    bank.refuse_none(attributes)
    grid = sigmas.tolist()
    steps = {attribute.record.name: _steps(space, attribute, grid) for attribute in attributes}
    first = next(iter(steps.values()))
    if len(first) > 1 or any(found != first for found in steps.values()):
        told = ", ".join(f"{name} at {' and '.join(map(str, sorted(found)))}" for name, found in steps.items())
        raise InvalidValueError(
            f"These act at different steps: {told}.",
            hint="Put a sampler between them, with a node Edit latent for each; or use Patch model.",
        )
    return next(iter(first))


def _steps(space: Space, attribute: Guest, grid: Sequence[float]) -> set[int]:
    return {nearest(grid, time) for time in attribute.on(space.schedule).times}


def _stronger(attributes: Attributes, times: float) -> Attributes:
    return tuple(replace(attribute, strength=attribute.strength * times) for attribute in attributes)


def _nobody(x: Tensor, prompts: Sequence[str]) -> Tensor:
    """What attributes may ask between two samplers: those that would were refused."""
    raise AssertionError(f"asked about {', '.join(prompts)}")
