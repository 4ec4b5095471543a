"""``learn``: from prompts and seeds to an attribute in a bank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from attrbank.attribute.artifact import LearnedAttribute, encode
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.protocols import (
    Backbone,
    Description,
    Grid,
    Sampler,
    check_guidance,
    unknown_words_warning,
    unread_warnings,
)
from attrbank.diffusion.remembering import Memory, RememberingTrajectory
from attrbank.diffusion.schedule import nearest_index, timestep_at
from attrbank.diffusion.trajectory import Trajectory
from attrbank.errors import InvalidValueError, PluginError
from attrbank.files import settings
from attrbank.learning.hearing import refuse_unheard
from attrbank.learning.picture_pairs import encode_pairs
from attrbank.learning.request import refuse_unknown
from attrbank.learning.weakness import weak_warnings
from attrbank.methods.binding import binding_of
from attrbank.methods.protocol import LearnContext, Learned, Method, OnProgress, OnWarning, quiet, silent
from attrbank.names import check_text
from attrbank.pictures.mask import region_of
from attrbank.plugins.manager import load_plugins
from attrbank.schema.asked import LearnSpec, PromptPair
from attrbank.schema.choices import MAX_LABEL, Preset
from attrbank.schema.stored import AttributeRecord, PicturePair, Resolved
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.store.header import seal

DEFAULT_BACKBONE = "portraits"


def default_backbone() -> str:
    """What is learned on where nobody names a model: the user's setting, or else the embedded one."""
    return settings.get("backbone") or DEFAULT_BACKBONE


Refine: TypeAlias = Callable[[LearnedAttribute, Backbone, OnProgress], LearnedAttribute]
"""What is done to an attribute before it is stored, such as tuning it."""

Prepare: TypeAlias = Callable[[LearnSpec, Backbone], Refine]
"""Called when the model is loaded; refuses what could not be refined afterwards, before anything is learned."""


class Stored(NamedTuple):
    """An attribute that was just learned and stored, and the loaded model."""

    entry: Entry
    attribute: LearnedAttribute
    backbone: Backbone


OnStored: TypeAlias = Callable[[Stored], None]
OnSpent: TypeAlias = Callable[[int], None]


def unspent(evaluations: int) -> None:
    """Count nothing."""


def learn(
    spec: LearnSpec,
    *,
    backbone: str | Backbone | None = None,
    placement: Placement | None = None,
    bank: Path | str | None = None,
    replace: bool = False,
    preset: Preset | None = None,
    force: bool = False,
    prepare: Prepare | None = None,
    memory: Memory | None = None,
    on_stored: OnStored = lambda stored: None,
    on_progress: OnProgress = quiet,
    on_warning: OnWarning = silent,
) -> Entry:
    """Learn an attribute and store it, or several found at once, all or none; gives the entry, or the first one's.

    Args:
        spec: what to learn; sampler, steps and guidance that it does not set are the backbone's own.
        backbone: ``portraits``, a folder or a hub id, or a loaded model.
        placement: where the backbone is to run; None leaves that to it.
        bank: the bank's folder; None is the user's.
        replace: let the name mean the new attribute if it is in use.
        preset: settles what of it follows the backbone's latent shape.
        force: store it even if what there is to learn from teaches next to nothing.
        prepare: gives what is done to the attribute before it is stored.
        memory: what the model has predicted for others that learned from the same sources; what is new is added.
        on_stored: what follows for each while the model is still there, such as a preview; it cannot undo anything.
        on_progress: called with stage, done, total.
        on_warning: called with what the user should know, such as words that the backbone has never seen.

    Raises:
        InvalidValueError: a name is taken, the method does not understand an option, a value does not fit the
            backbone, it knows no prompts, or hears no difference between those of a pair, source and target lead to
            almost the same pictures, or a picture cannot be used.
        NotFoundError: there is no such backbone, sampler or method.
        NumericError: a latent is not finite.
        StorageError, BankBusyError: the bank cannot be written.
    """
    store, plugins = Bank.open(bank), load_plugins()
    store.require_writable()
    if not replace:
        store.refuse_taken(*spec.names)
    refuse_unknown(plugins.method(spec.method), spec.method_options)
    model = _loaded(backbone or default_backbone(), placement, on_progress)
    how: dict[str, Any] = {"on_progress": on_progress, "on_warning": on_warning}
    attributes = made(complete(spec, model, preset), model, force=force, prepare=prepare, memory=memory, **how)
    entries = store.add_all([seal(encode(attribute)) for attribute in attributes], replace=replace)
    _tell(on_stored, entries, attributes, model)
    return entries[0]


def made(
    spec: LearnSpec,
    model: Backbone,
    *,
    force: bool = False,
    prepare: Prepare | None = None,
    memory: Memory | None = None,
    on_progress: OnProgress = quiet,
    on_warning: OnWarning = silent,
) -> tuple[LearnedAttribute, ...]:
    """What ``learn`` stores, with nothing stored; arguments and errors as there, of a spec that is complete."""
    plugins = load_plugins()
    method: Method = plugins.method(spec.method)
    _check_prompts(spec, model, force, on_warning)
    for warning in method.warnings(spec, model):
        on_warning(warning)
    refine, sampler = prepare and prepare(spec, model), plugins.sampler(spec.sampler)
    attributes = learn_attributes(
        spec, method, model, sampler, on_progress, force=force, memory=memory, on_warning=on_warning
    )
    if refine is not None:
        attributes = tuple(refine(attribute, model, on_progress) for attribute in attributes)
    return attributes


def _tell(
    on_stored: OnStored, entries: Sequence[Entry], attributes: Sequence[LearnedAttribute], model: Backbone
) -> None:
    for entry, attribute in zip(entries, attributes, strict=True):
        on_stored(Stored(entry, attribute, model))


def _loaded(backbone: str | Backbone, placement: Placement | None, on_progress: OnProgress) -> Backbone:
    if not isinstance(backbone, str):
        return backbone
    check_text(backbone, "The backbone", MAX_LABEL)
    on_progress("loading", 0, 1)
    model: Backbone = load_plugins().backbone(backbone, placement)
    on_progress("loading", 1, 1)
    return model


def _check_prompts(spec: LearnSpec, model: Backbone, force: bool, on_warning: OnWarning) -> None:
    """Refuse prompts that the model cannot hear, and warn of what it does not hear of them."""
    prompts = [prompt for pair in spec.pairs for prompt in (pair.source, pair.target)]
    check_guidance(model, spec.guidance_scale, *prompts)
    for pair in (pair for pair in spec.pairs if pair.source != pair.target):
        refuse_unheard(pair, model, force=force, on_warning=on_warning)
    for warning in (*unknown_words_warning(model, *prompts), *unread_warnings(model, *prompts)):
        on_warning(warning)


def complete(spec: LearnSpec, backbone: Description, preset: Preset | None = None) -> LearnSpec:
    """The spec with the backbone's own settings where it leaves them open."""
    own = {
        "sampler": backbone.defaults.sampler,
        "steps": backbone.defaults.steps,
        "guidance_scale": backbone.defaults.guidance_scale,
    }
    update: dict[str, object] = {key: value for key, value in own.items() if key not in spec.model_fields_set}
    if not (spec.pairs or spec.pictures):
        prompt = backbone.defaults.prompt
        update["pairs"] = (PromptPair(source=prompt, target=prompt),)
    whole = spec.model_copy(update=update)
    return load_plugins().method(spec.method).fitted(whole, backbone, preset) if preset else whole


def learn_attribute(
    spec: LearnSpec,
    method: Method,
    backbone: Backbone,
    sampler: Sampler,
    on_progress: OnProgress = quiet,
    *,
    force: bool = False,
    memory: Memory | None = None,
    on_warning: OnWarning = silent,
    on_spent: OnSpent = unspent,
) -> LearnedAttribute:
    """Learn an attribute without storing it, the first of several; arguments and errors as ``learn_attributes``."""
    how: dict[str, Any] = {"force": force, "memory": memory, "on_warning": on_warning, "on_spent": on_spent}
    return learn_attributes(spec, method, backbone, sampler, on_progress, **how)[0]


def learn_attributes(
    spec: LearnSpec,
    method: Method,
    backbone: Backbone,
    sampler: Sampler,
    on_progress: OnProgress = quiet,
    *,
    force: bool = False,
    memory: Memory | None = None,
    on_warning: OnWarning = silent,
    on_spent: OnSpent = unspent,
) -> tuple[LearnedAttribute, ...]:
    """Learn as many attributes as are asked for at once, and store none; arguments and errors as ``learn``.

    ``on_spent`` is told how many rows the network has predicted for it.

    Raises:
        PluginError: the method gives more of them, or less.
    """
    grid = sampler.grid(spec.steps, backbone.schedule)
    index_x = nearest_index(grid, backbone.schedule, spec.t_x)
    index_z = nearest_index(grid, backbone.schedule, spec.t_z)
    if index_x >= len(grid):
        raise InvalidValueError("T_x must lie before the last step.", hint="Choose a larger --t-x.")
    method.check(spec, backbone)
    trajectory = _trajectory(backbone, sampler, memory, grid=grid, guidance_scale=spec.guidance_scale)
    pairs = encode_pairs(backbone, spec.pictures, on_progress) if spec.pictures else None
    clean = (pairs.source, pairs.target) if pairs else None
    mask = region_of(spec.mask, backbone) if spec.mask else None
    context = LearnContext(spec, trajectory, index_x, index_z, on_progress, clean, force, on_warning, mask)
    found = _as_many_as_asked(spec, method.learn(context))
    on_spent(trajectory.evaluations)
    for learned in found:
        _refuse_nothing(spec, learned)
        for warning in weak_warnings(spec, learned.explains):
            on_warning(warning)
    resolved = Resolved(
        timestep_x=timestep_at(grid, index_x),
        timestep_z=timestep_at(grid, index_z),
        alpha_bar_x=trajectory.alpha_bar(index_x),
        alpha_bar_z=trajectory.alpha_bar(index_z),
    )
    spec = spec.model_copy(update={"sampler": sampler.name, "method": method.name})  # with all their parameters
    files = pairs.files if pairs else ()
    return tuple(
        LearnedAttribute(_record(name, spec, backbone, resolved, learned, files), dict(learned.tensors))
        for name, learned in zip(spec.names, found, strict=True)
    )


def _as_many_as_asked(spec: LearnSpec, learned: Learned | tuple[Learned, ...]) -> tuple[Learned, ...]:
    found = (learned,) if isinstance(learned, Learned) else tuple(learned)
    if len(found) != spec.components:
        raise PluginError(f"The method {spec.method} gave {len(found)} attributes, and not {spec.components}.")
    return found


def _trajectory(
    backbone: Backbone, sampler: Sampler, memory: Memory | None, *, grid: Grid, guidance_scale: float
) -> Trajectory:
    if memory is None:
        return Trajectory(backbone, sampler, grid=grid, guidance_scale=guidance_scale)
    return RememberingTrajectory(backbone, sampler, grid=grid, guidance_scale=guidance_scale, memory=memory)


def _refuse_nothing(spec: LearnSpec, learned: Learned) -> None:
    """Whatever the method, numbers that are all 0 would change no picture, and say so to nobody."""
    if learned.tensors and not any(bool(tensor.any()) for tensor in learned.tensors.values()):
        raise InvalidValueError(
            f"There is nothing in {spec.name}: every number that the method {spec.method} has learned is 0.",
            hint="Name or show in the target what the source lacks, in words that the model knows.",
        )


def _record(
    name: str,
    spec: LearnSpec,
    backbone: Backbone,
    resolved: Resolved,
    learned: Learned,
    pictures: tuple[PicturePair, ...],
) -> AttributeRecord:
    return AttributeRecord(
        name=name,
        method=spec.method,
        pairs=spec.pairs,
        pictures=pictures,
        seeds=spec.seeds,
        t_x=spec.t_x,
        delta_tau=spec.delta_tau,
        branch=spec.branch,
        resolved=resolved,
        backbone=binding_of(backbone),
        sampler=spec.sampler,
        steps=spec.steps,
        guidance_scale=spec.guidance_scale,
        **learned.fields,
    )
