"""What an ``apply`` will do, known from headers alone: no model is loaded, and no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attrbank.compatibility import check_binding, forced_warning
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.protocols import (
    Description,
    Grid,
    Sampler,
    check_guidance,
    guidance_of,
    unknown_words_warning,
)
from attrbank.diffusion.schedule import nearest_alpha_bar_index, nearest_index, timestep_at
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.methods.protocol import Method
from attrbank.plugin_manager import PluginManager, load_plugins
from attrbank.requests import ApplyRequest
from attrbank.schema import AttributeRecord, Core
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
        index: the grid index at which it acts.
        t: the timestep there.
    """

    entry: Entry
    record: AttributeRecord
    method: Method
    strength: float
    core: Core | None
    index: int
    t: int

    def as_dict(self) -> dict[str, Any]:
        """For ``--json`` and for recipes."""
        return {
            "name": self.entry.name,
            "id": self.entry.id,
            "strength": self.strength,
            "t": self.t,
            "core": self.core,
        }


@dataclass(frozen=True)
class Plan:
    """A complete ``apply``, its attributes in the order in which they act.

    Attributes:
        backbone: the model's description.
        backbone_reference: how the user, or the artifact, names it.
        steps: as asked of the sampler, whose grid may be longer.
        grid: the (t, t_prev) pairs of the run.
        unet_evaluations: rows that the network will predict for both pictures.
        forced: whether an attribute of a related model acts.
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
    unet_evaluations: int
    forced: bool
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``--plan --json``."""
        return {
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
        InvalidValueError: a strength does not fit the attribute's vectors, a reference repeats, or an unconditional
            backbone is given a prompt or guidance.
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
        _planned(entry, record, 1.0 if strength is None else strength, request.core, grid, model, plugins)
        for entry, record, strength in zip(entries, records, strengths, strict=True)
    ]
    steps.sort(key=lambda step: (step.index, -step.record.t_x))  # stable: within one T_x, in the order given
    prompt = request.prompt
    if prompt is None:
        prompt = model.defaults.prompt if records[0].prompt is None else records[0].prompt
    scale = model.defaults.guidance_scale if request.guidance_scale is None else request.guidance_scale
    check_guidance(model, scale, prompt)
    evaluations = evaluations_per_step(scale, guidance_of(model))
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
        unet_evaluations=_denoising_steps(steps, grid, model, request.only_after) * evaluations,
        forced=bool(forced),
        warnings=(
            *(forced_warning(record, model) for record in forced),
            *unknown_words_warning(model, prompt),
            *_far_steps(steps, model),
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
    core: Core | None,
    grid: Grid,
    model: Description,
    plugins: PluginManager,
) -> PlannedStep:
    check_strength(record, strength)
    if core is not None and core not in record.units:
        raise InvalidValueError(f"{entry.name} has no core {core!r}.", hint="Leave --core out.")
    index = nearest_alpha_bar_index(grid, model.schedule, record.resolved.alpha_bar_x)
    method = method_of(record, plugins)
    return PlannedStep(entry, record, method, strength, core or record.core, index, timestep_at(grid, index))


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
            hint=f"Install the plugin that provides it, perhaps: pip install attrbank-{record.method}",
        ) from error
    return method


def _denoising_steps(steps: list[PlannedStep], grid: Grid, model: Description, only_after: bool) -> int:
    """Steps of both pictures, which share what lies before the first edit, and of what the edits ask for."""
    first = steps[0].index
    before = len(grid) if not only_after else max(_last_needed(steps), first)
    extra = 0
    for step in steps:
        index_z = nearest_index(grid, model.schedule, max(0.0, step.record.t_x + step.record.delta_tau))
        extra += step.method.evaluations(step.record, step.core, index_z)
    return before + (len(grid) - first) + extra


def _last_needed(steps: list[PlannedStep]) -> int:
    """How far the unedited picture must go for the edits' sake: Φ looks at it one step beyond."""
    return max((step.index + 1 for step in steps if step.core == "mlp"), default=0)


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
