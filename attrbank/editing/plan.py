"""What an ``apply`` will do, known from headers alone: no model is loaded, and no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attrbank.attribute.calibration import beyond_range, calibration_of, raw_strength
from attrbank.attribute.compatibility import check_binding, forced_warning
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.protocols import (
    Description,
    Grid,
    Sampler,
    check_guidance,
    guidance_of,
    unknown_words_warning,
)
from attrbank.diffusion.schedule import nearest_alpha_bar_index, timestep_at
from attrbank.editing.choices import REFINEMENTS, guidance_scale_of, inversion_of, prompt_of
from attrbank.editing.cost import denoising_steps
from attrbank.editing.request import ApplyRequest
from attrbank.errors import AttrbankError, InvalidValueError, NotFoundError
from attrbank.methods.protocol import Method
from attrbank.plugins.manager import PluginManager, load_plugins
from attrbank.schema import AttributeRecord, Calibration, Core, Inversion
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

FAR = 0.05
"""A grid step whose ᾱ differs by more than this from the one that was learned earns a warning."""


@dataclass(frozen=True)
class PlannedStep:
    """One attribute's turn.

    Attributes:
        entry: which attribute.
        record: what its artifact says.
        method: how it edits.
        strength: 1 is the full effect.
        core: the core it will use; None for the paper's vectors.
        raw: take the strength as it is, whatever the attribute's calibration says.
        index: the grid index at which it acts.
        t: the timestep there.
    """

    entry: Entry
    record: AttributeRecord
    method: Method
    strength: float
    core: Core | None
    raw: bool
    index: int
    t: int

    @property
    def calibration(self) -> Calibration | None:
        """What the strength means here."""
        return None if self.raw else calibration_of(self.record, self.core)

    @property
    def raw_strength(self) -> float:
        """The strength as the method takes it."""
        return raw_strength(self.calibration, self.strength)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json`` and for recipes."""
        return {
            "name": self.entry.name,
            "id": self.entry.id,
            "strength": self.strength,
            "t": self.t,
            "core": self.core,
            "raw": self.raw,
        }


@dataclass(frozen=True)
class Plan:
    """A complete ``apply``, its attributes in the order in which they act.

    Attributes:
        backbone: the model's description.
        backbone_reference: how the user, or the artifact, names it.
        steps: as asked of the sampler, whose grid may be longer.
        grid: the (t, t_prev) pairs of the run.
        forced: whether an attribute of a related model acts.
        image: the picture to edit; None if one is generated.
        inversion: how it becomes a latent.
        mask: of the region to edit.
        only_after: whether the edited picture alone is written.
        warnings: what the user should know before.
    """

    steps_applied: tuple[PlannedStep, ...]
    bank: Bank
    backbone: Description
    backbone_reference: str
    sampler: Sampler
    steps: int
    grid: Grid
    prompt: str
    seed: int
    guidance_scale: float
    forced: bool
    image: Path | None
    inversion: Inversion | None
    mask: Path | None
    only_after: bool
    warnings: tuple[str, ...]

    @property
    def first(self) -> int:
        """The grid index of the first edit."""
        return self.steps_applied[0].index

    @property
    def needs_before(self) -> bool:
        """Whether the unedited picture is finished: to be shown, or to be subtracted."""
        return not (self.only_after and self.image is None and self.mask is None)

    @property
    def refinements(self) -> int | None:
        """Of the inversion; None if no picture is inverted."""
        return None if self.inversion is None else REFINEMENTS[self.inversion]

    @property
    def denoising_steps(self) -> int:
        """Steps that the run will take, forth and back."""
        return denoising_steps(
            self.steps_applied,
            self.grid,
            self.backbone.schedule,
            needs_before=self.needs_before,
            refinements=self.refinements,
        )

    @property
    def unet_evaluations(self) -> int:
        """Rows that the network will predict."""
        return self.denoising_steps * evaluations_per_step(self.guidance_scale, guidance_of(self.backbone))

    def as_dict(self) -> dict[str, Any]:
        """For ``--plan --json``."""
        return {
            "image": None if self.image is None else str(self.image),
            "inversion": self.inversion,
            "mask": None if self.mask is None else str(self.mask),
            "prompt": self.prompt,
            "seed": self.seed,
            "backbone": self.backbone_reference,
            "sampler": self.sampler.name,
            "steps": self.steps,
            "guidance_scale": self.guidance_scale,
            "attributes": [step.as_dict() for step in self.steps_applied],
            "unet_evaluations": self.unet_evaluations,
            "forced": self.forced,
            "warnings": list(self.warnings),
        }


def plan(request: ApplyRequest) -> Plan:
    """Resolve a request against the bank, the backbone's description and the plugins.

    Raises:
        NotFoundError: an attribute, backbone, sampler or method does not exist.
        InvalidValueError: a strength does not fit the attribute's vectors, a reference repeats, an unconditional
            backbone is given a prompt or guidance, or a picture is to be edited by a sampler that cannot be inverted.
        IncompatibleError: an attribute was learned on another backbone.
        CorruptArtifactError: an artifact is damaged.
    """
    bank, plugins = Bank.open(request.bank), load_plugins()
    entries = bank.resolve_all([reference for reference, _ in request.references])
    records = [bank.record(entry) for entry in entries]
    reference = request.backbone or records[0].backbone.name
    model = _described(reference, records[0], plugins)
    forced = [record for record in records if check_binding(record, model, force=request.force)]
    sampler: Sampler = plugins.sampler(request.sampler or model.defaults.sampler)
    count = request.steps or model.defaults.steps
    grid = sampler.grid(count, model.schedule)
    strengths = [request.rho if given is None else given for _, given in request.references]
    steps = [
        _planned(entry, record, 1.0 if strength is None else strength, request, grid, model, plugins)
        for entry, record, strength in zip(entries, records, strengths, strict=True)
    ]
    steps.sort(key=lambda step: (step.index, -step.record.t_x))  # stable: within one T_x, in the order given
    prompt, scale = prompt_of(request, records[0], model), guidance_scale_of(request, model)
    check_guidance(model, scale, prompt)
    return Plan(
        steps_applied=tuple(steps),
        bank=bank,
        backbone=model,
        backbone_reference=reference,
        sampler=sampler,
        steps=count,
        grid=grid,
        prompt=prompt,
        seed=request.seed or 0,
        guidance_scale=scale,
        forced=bool(forced),
        image=request.image,
        inversion=inversion_of(request, sampler),
        mask=request.mask,
        only_after=request.only_after,
        warnings=(
            *(forced_warning(record, model) for record in forced),
            *unknown_words_warning(model, prompt),
            *_far_steps(steps, model),
            *_beyond_range(steps),
            *_bad_pairs(bank, steps),
        ),
    )


def _described(reference: str, record: AttributeRecord, plugins: PluginManager) -> Description:
    try:
        model: Description = plugins.describe(reference)
    except NotFoundError as error:
        if reference != record.backbone.name:
            raise
        raise NotFoundError(
            f"{record.name} was learned on {reference}, which is not to be found from here.",
            hint="Say where it is with --backbone.",
        ) from error
    return model


def _planned(
    entry: Entry,
    record: AttributeRecord,
    strength: float,
    request: ApplyRequest,
    grid: Grid,
    model: Description,
    plugins: PluginManager,
) -> PlannedStep:
    check_strength(record, strength)
    core = request.core
    if core is not None and core not in record.units:
        raise InvalidValueError(f"{entry.name} has no core {core!r}.", hint="Leave --core out.")
    index = nearest_alpha_bar_index(grid, model.schedule, record.resolved.alpha_bar_x)
    return PlannedStep(
        entry=entry,
        record=record,
        method=method_of(record, plugins),
        strength=strength,
        core=core or record.core,
        raw=request.raw,
        index=index,
        t=timestep_at(grid, index),
    )


def check_strength(record: AttributeRecord, strength: float) -> None:
    """Refuse a strength that the attribute's vectors cannot have.

    Raises:
        InvalidValueError: the vectors are the paper's, and the strength is outside [0, 1].
    """
    if record.vectors == "paper" and not 0 <= strength <= 1:
        raise InvalidValueError(
            f"{record.name} has the paper's vectors, whose strength lies in [0, 1], not {strength:g}.",
            hint="Difference vectors, the default of learn, take any strength.",
        )


def method_of(record: AttributeRecord, plugins: PluginManager) -> Method:
    """The method that an attribute was learned with.

    Raises:
        NotFoundError: it is not installed; the hint names the package.
    """
    try:
        method: Method = plugins.method(record.method)
    except NotFoundError as error:
        raise NotFoundError(
            f"{record.name} needs the method {record.method!r}, which is not installed.",
            hint="Install the plugin that brings it; attrbank methods lists those that are there.",
        ) from error
    return method


def _beyond_range(steps: list[PlannedStep]) -> list[str]:
    found = ((step.entry.name, beyond_range(step.calibration, step.strength)) for step in steps)
    return [f"{name}: {warning}" for name, warning in found if warning]


def _bad_pairs(bank: Bank, steps: list[PlannedStep]) -> list[str]:
    """What the bank's matrix says against these attributes at once; one that is damaged stops nobody."""
    names = {step.entry.id: step.entry.name for step in steps if step.strength > 0}
    if len(names) < 2:
        return []
    try:
        bad = [pair for pair in bank.measurements.pairs(tuple(names)) if pair.bad]
    except AttrbankError as error:
        return [error.message]
    return [
        f"{names[pair.of]} suffers from {names[pair.given]}: with it, it came in {pair.together.value:.2f} "
        f"of the pictures, alone in {pair.alone.value:.2f}"
        for pair in bad
    ]


def _far_steps(steps: list[PlannedStep], model: Description) -> list[str]:
    warnings = []
    for step in steps:
        learned, here = step.record.resolved.alpha_bar_x, model.schedule.alpha_bar(step.t)
        if abs(learned - here) > FAR:
            warnings.append(
                f"{step.entry.name} was learned at t = {step.record.resolved.timestep_x}; "
                f"the nearest step of this grid is t = {step.t}"
            )
    return warnings
