"""What an ``apply`` will do, known from headers alone: no model is loaded, and no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attrbank.attribute.compatibility import check_binding, forced_warning, uncertain
from attrbank.diffusion.placement import Placement
from attrbank.diffusion.prediction import evaluations_per_step
from attrbank.diffusion.protocols import (
    Description,
    Grid,
    Sampler,
    check_guidance,
    guidance_of,
    unknown_words_warning,
    unread_warnings,
)
from attrbank.diffusion.schedule import indices_of, timestep_at
from attrbank.editing.cautions import cautions_of, contradictions
from attrbank.editing.choices import REFINEMENTS, guidance_scale_of, inversion_of, negative_prompt_of, prompt_of
from attrbank.editing.contradiction import opposed_to, said_of, without
from attrbank.editing.cost import denoising_steps, rows_beside
from attrbank.editing.request import ApplyRequest
from attrbank.editing.turns import Turn
from attrbank.editing.wording import check_words, refuse_idle_word, words_for
from attrbank.errors import InvalidValueError, NotFoundError
from attrbank.names import When
from attrbank.plugins.manager import PluginManager, load_plugins
from attrbank.schema.choices import Inversion
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.blobs import Artifact
from attrbank.store.entry import Entry
from attrbank.text import printable

FAR = 0.05
"""A grid step whose ᾱ differs by more than this from the one that was learned earns a warning."""


@dataclass(frozen=True)
class Plan:
    """A complete ``apply``, its attributes in the order in which they act.

    Attributes:
        turns: the attributes'.
        backbone: the model's description.
        backbone_reference: how the user, or the artifact, names it.
        steps: as asked of the sampler, whose grid may be longer.
        grid: the (t, t_prev) pairs of the run.
        forced: whether an attribute of a related model acts.
        image: the picture to edit; None if one is generated.
        inversion: how it becomes a latent.
        mask: of the region to edit.
        only_after: whether the edited picture alone is written.
        placement: where the networks are to run.
        plugins: the packages that take part beside attrbank, with their versions.
        cautions: what the user should know before, whatever the prompt.
        negative_prompt: what guidance leads away from; empty for what says nothing.
    """

    turns: tuple[Turn, ...]
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
    placement: Placement | None
    plugins: Mapping[str, str]
    cautions: tuple[str, ...]
    negative_prompt: str = ""

    @property
    def first(self) -> int:
        """The grid index of the first edit."""
        return self.turns[0].index

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know before."""
        model, prompt = self.backbone, self.prompt
        return (
            *self.cautions,
            *_contradicted(self.turns, prompt),
            *_led_away(self.turns, self.negative_prompt),
            *unknown_words_warning(model, prompt, self.negative_prompt),
            *unread_warnings(model, prompt, self.negative_prompt),
        )

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
            [turn.stop for turn in self.turns],
            self.grid,
            self.backbone.schedule,
            needs_before=self.needs_before,
            refinements=self.refinements,
        )

    @property
    def steps_shown(self) -> int:
        """Of these, those that progress counts: what edits predict beside them is no step of a picture."""
        needs = [turn.stop.needs for turn in self.turns]
        return self.denoising_steps - sum(need.predictions + len(need.towards) for need in needs)

    @property
    def unet_evaluations(self) -> int:
        """Rows that the network will predict."""
        guided = self.denoising_steps * evaluations_per_step(self.guidance_scale, guidance_of(self.backbone))
        return guided + rows_beside([turn.stop for turn in self.turns], self.grid, self.backbone.schedule, self.prompt)

    def under(self, prompt: str) -> Plan:
        """The same under another prompt; nothing is read again.

        Raises:
            InvalidValueError: the backbone is unconditional, or an attribute does not find its words in the prompt.
        """
        check_guidance(self.backbone, self.guidance_scale, prompt)
        _check_words(self.turns, self.backbone, prompt)
        return replace(self, prompt=prompt)

    def as_dict(self) -> dict[str, Any]:
        """What ``apply --plan --json`` prints."""
        return {
            "image": None if self.image is None else str(self.image),
            "inversion": self.inversion,
            "mask": None if self.mask is None else str(self.mask),
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "seed": self.seed,
            "backbone": self.backbone_reference,
            "sampler": self.sampler.name,
            "steps": self.steps,
            "guidance_scale": self.guidance_scale,
            "attributes": [turn.as_dict() for turn in self.turns],
            "unet_evaluations": self.unet_evaluations,
            "forced": self.forced,
            "warnings": list(self.warnings),
        }


def plan(request: ApplyRequest, described: MutableMapping[str, Description] | None = None) -> Plan:
    """Resolve a request against the bank, the backbone's description and the plugins.

    Args:
        request: what is asked for.
        described: descriptions of backbones by reference, to take from and to add to: for one, all weights are read.

    Raises:
        NotFoundError: an attribute, backbone, sampler or method does not exist.
        InvalidValueError: an attribute cannot have its strength or core, or does not find its words in the prompt, a
            reference repeats, an unconditional backbone is given a prompt or guidance, a negative prompt has no
            guidance that could lead away from it, or a picture is to be edited by
            a sampler that cannot be inverted.
        IncompatibleError: an attribute was learned on another backbone, or acts at words, and this one does not tell
            where they are.
        CorruptArtifactError: an artifact is damaged.
    """
    bank, plugins = Bank.open(request.bank), load_plugins()
    entries = bank.resolve_all([asked.reference for asked in request.references])
    artifacts = [bank.artifact(entry) for entry in entries]
    records = [artifact.record for artifact in artifacts]
    reference = request.backbone or records[0].backbone.name
    model = _described(reference, records[0], plugins, {} if described is None else described)
    forced = [record for record in records if _is_forced(record, model, request, plugins)]
    sampler: Sampler = plugins.sampler(request.sampler or model.defaults.sampler)
    count = request.steps or model.defaults.steps
    grid = sampler.grid(count, model.schedule)
    asked = zip(entries, artifacts, request.strengths, request.references, strict=True)
    turns = [_turn(entry, file, s, one.when, request, grid, model, plugins) for entry, file, s, one in asked]
    turns.sort(key=lambda turn: (turn.index, -turn.record.t_x))  # stable: within one T_x, in the order given
    prompt, scale = prompt_of(request, records[0], model), guidance_scale_of(request, model)
    check_guidance(model, scale, prompt)
    refuse_idle_word(request, [turn.words for turn in turns])
    _check_words(turns, model, prompt)
    return Plan(
        turns=tuple(turns),
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
        placement=request.placement,
        plugins=plugins.foreign(
            ("sampler", sampler.name), ("backbone", reference), *(("method", record.method) for record in records)
        ),
        cautions=tuple(_cautions(turns, forced, model, bank)),
        negative_prompt=negative_prompt_of(request, model, scale),
    )


def _cautions(
    turns: Sequence[Turn], forced: Sequence[AttributeRecord], model: Description, bank: Bank
) -> Iterator[str]:
    """What the user should know before, whatever the prompt."""
    yield from (forced_warning(record, model) for record in forced)
    yield from filter(None, (uncertain(turn.record, model) for turn in turns))
    yield from _far_turns(turns, model)
    yield from cautions_of(turns, bank)


def _described(
    reference: str, record: AttributeRecord, plugins: PluginManager, known: MutableMapping[str, Description]
) -> Description:
    try:
        if reference not in known:
            known[reference] = plugins.describe(reference)
    except NotFoundError as error:
        if reference != record.backbone.name:
            raise
        raise NotFoundError(
            f"{record.name} was learned on {reference}, which is not to be found from here.",
            hint="Say where it is with --backbone.",
        ) from error
    return known[reference]


def _is_forced(record: AttributeRecord, model: Description, request: ApplyRequest, plugins: PluginManager) -> bool:
    """Whether the attribute acts on a relative of its model; refuses what does not fit."""
    parts = plugins.parts_of_method(record, request.core)
    network = plugins.needs_its_network(record)
    return check_binding(record, model, force=request.force, parts=parts, network=network) is not None


def _turn(
    entry: Entry,
    artifact: Artifact,
    strength: float,
    when: When | None,
    request: ApplyRequest,
    grid: Grid,
    model: Description,
    plugins: PluginManager,
) -> Turn:
    record, method = artifact.record, plugins.method_of(artifact.record)
    method.strengths(record).check(record.name, strength)
    if request.core is not None and request.core not in method.cores(record):
        raise InvalidValueError(f"{entry.name} has no core {request.core!r}.", hint="Leave --core out.")
    core = request.core or record.core
    record = record if when is None else method.moved(record, core, when, model.schedule)
    indices = indices_of(method.times(record, core), grid, model.schedule)
    words = words_for(request, method.needs(record, core, strength).words)
    return Turn(
        entry=entry,
        artifact=artifact,
        record=record,
        method=method,
        strength=strength,
        core=core,
        raw=request.raw,
        indices=indices,
        t=timestep_at(grid, indices[0]),
        when=when,
        words=words,
        on=request.on if words else None,
    )


def _check_words(turns: Sequence[Turn], model: Description, prompt: str) -> None:
    for turn in turns:
        check_words(turn.entry.name, turn.words, model, prompt)


def _contradicted(turns: Sequence[Turn], prompt: str) -> list[str]:
    """What the prompt says against attributes, which the edited picture leaves out in the end."""
    turns = [turn for turn in turns if not turn.stop.needs.prompt]
    return [
        f"{found}: once that has acted, the edited picture goes on under {printable(without(prompt, found.phrases))!r}"
        for found in contradictions(turns, prompt)
    ]


def _led_away(turns: Sequence[Turn], negative_prompt: str) -> list[str]:
    """What the negative prompt says that an attribute brings: guidance leads away from it again."""
    known = [(turn.entry.name, said_of(negative_prompt, opposed_to(turn.record, -turn.strength))) for turn in turns]
    return [
        f"the negative prompt says {' and '.join(map(repr, said))}, which {name} brings: guidance leads away from it"
        for name, said in known
        if said
    ]


def _far_turns(turns: Sequence[Turn], model: Description) -> list[str]:
    warnings = []
    for turn in turns:
        resolved, here = turn.record.resolved, model.schedule.alpha_bar(turn.t)
        learned = turn.method.times(turn.record, turn.core)[0]
        if abs(learned - here) > FAR:
            place = f"t = {resolved.timestep_x}" if learned == resolved.alpha_bar_x else f"an ᾱ of {learned:.3f}"
            meant = f"was learned at {place}" if turn.when is None else f"is asked for at {place}"
            warnings.append(f"{turn.entry.name} {meant}; the nearest step of this grid is t = {turn.t}")
    return warnings
