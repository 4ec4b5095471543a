"""Attributes of a bank inside any pipeline of diffusers that has ``callback_on_step_end``.

::

    pipeline = StableDiffusionPipeline.from_pretrained("owner/model")
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline("a photo of a person", callback_on_step_end=AttributeCallback("young:0.7", "smile"))
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, cast

import torch
from diffusers.callbacks import PipelineCallback
from torch import Tensor

from attrbank.attribute.artifact import LearnedAttribute, opened
from attrbank.attribute.compatibility import check_binding, forced_warning, uncertain
from attrbank.backbones.parts.fingerprint import Fingerprints
from attrbank.diffusers.asking import TIME_IDS, Questions, refuse_deaf
from attrbank.diffusers.pipelines import XL, fingerprints_of, model_of, refuse_packed, refuse_withheld
from attrbank.diffusers.progress import Progress
from attrbank.diffusers.words import HEARD, heard_with, refuse_another, unread_in
from attrbank.diffusion.finite import finite
from attrbank.diffusion.schedule import Schedule
from attrbank.diffusion.spelling import require_word
from attrbank.editing.acting import Ready, ready
from attrbank.editing.cautions import cautions_of, contradictions
from attrbank.editing.request import ApplyRequest
from attrbank.editing.wording import refuse_idle_word, words_for
from attrbank.errors import IncompatibleError, InvalidValueError
from attrbank.methods.needs import Needs
from attrbank.methods.protocol import Edit, ModelEdit
from attrbank.names import Asked, When, parse_asked
from attrbank.plugins.manager import load_plugins
from attrbank.schema.fields import Core
from attrbank.schema.stored import AttributeRecord
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry

_Ask: TypeAlias = Callable[[Tensor, Sequence[str]], Tensor]
"""``EditInputs.clean_under``, of the pipeline's own model."""


class AttributeCallback(PipelineCallback):  # type: ignore[misc]  # diffusers has no types
    """Applies attributes while a pipeline runs; goes together with others in ``MultiPipelineCallbacks``.

    A callback is called after a step, with the latents of the next: an attribute that acts at step j acts when
    step j − 1 has ended. So none can act at the first step. Each acts at the step whose ᾱ is nearest to the one that it
    was learned at, or at several; those that act at the same step act in the order that they have in ``apply``.

    An attribute acts with the core that does without the network, whatever core it prefers. One that has none, as with
    the core ``live``, asks the pipeline's own UNet under its own prompts, which the pipeline encodes, without guidance;
    ``evaluations`` counts that. What else the pipeline tells its UNet, such as a ControlNet's residuals, is left out
    there. An attribute that takes more, as a run of its own or the model's Jacobian, is refused. Latents that a
    scheduler carries as x/√ᾱ are scaled for the edit and back; what a multistep scheduler remembers from before an
    edit is dropped.

    A pipeline does not hand on its prompt. Whoever says it here, too, is warned of what it says against an attribute,
    which ``apply`` would leave out once that has acted, and of words that the model does not read. Text directions,
    which act at words, must be told it; what the pipeline hears of it is then taken from its ``prompt_embeds``, of
    which the rows of the empty prompt stay as they are. Which text encoders a pipeline has cannot be told, so that
    they, too, ask for the model that they were learned on.

    The pipeline's model is checked when its run begins: latent shape, prediction type, and the fingerprint of its
    weights, adapters among them, unless they are in bfloat16 or below, which is too coarse for it: there is a warning.

    Args:
        attributes: references with strengths and times, as in ``young:0.7`` or ``smile:0.7@0.3``.
        bank: the bank's folder; None is the user's.
        rho: strength of the references that have none of their own.
        force: let attributes act on a relative of their model, such as one with a LoRA.
        prompt: that the pipeline will run, for attributes that act at words of it, and to be warned.
        on: the word at which they act; None is their own.

    Raises:
        NotFoundError: an attribute, or the method that it needs, is not there.
        InvalidValueError: a reference, a strength or a time is malformed, out of range, or given twice, or an attribute
            acts at words and the prompt is not given, or lacks them. While a pipeline runs: it runs another, or an
            attribute cannot act at the time that was asked for.
        CorruptArtifactError: an artifact is damaged.
        IncompatibleError: an attribute needs more of the network than a callback can have. When a pipeline's run
            begins: its scheduler, its model or its latents do not fit the attribute, or its model cannot be asked.
        NumericError: while a pipeline runs: latents hold NaN or infinity, before an edit or after it, or what the
            model says does.

    Warns:
        UserWarning: as ``attrbank apply`` does, of strengths, pairs and prompts, and of models that were not compared.
    """

    def __init__(
        self,
        *attributes: str,
        bank: Path | str | None = None,
        rho: float = 1.0,
        force: bool = False,
        prompt: str | None = None,
        on: str | None = None,
    ) -> None:
        super().__init__()
        self._force = force
        request = ApplyRequest(references=tuple(map(parse_asked, attributes)), rho=rho, prompt=prompt, on=on)
        store = Bank.open(bank)
        entries = store.resolve_all([asked.reference for asked in request.references])
        self._waiting = [
            _waiting(store, entry, asked._replace(strength=strength), request)
            for entry, asked, strength in zip(entries, request.references, request.strengths, strict=True)
        ]
        refuse_idle_word(request, [waiting.words for waiting in self._waiting])
        self._turns: list[_Turn] = []
        self._questions = Questions()
        self._prompt = prompt
        for caution in _cautions(self._waiting, prompt, store):
            warnings.warn(caution, stacklevel=2)

    @property
    def tensor_inputs(self) -> list[str]:
        """What the pipeline is to hand over: latents, what it hears of a prompt that is known here, sizes for an XL."""
        sized = any(waiting.asks and waiting.record.backbone.family == XL for waiting in self._waiting)
        return ["latents", *([] if self._prompt is None else [HEARD]), *([TIME_IDS] if sized else [])]

    @property
    def evaluations(self) -> int:
        """Rows that the pipeline's model has predicted for the attributes in the latest run, beyond its own."""
        return self._questions.rows

    def callback_fn(
        self, pipeline: Any, step_index: int, timestep: Any, callback_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Edit ``latents``, (B, C, H, W), or what is heard of the prompt, if it is an attribute's turn.

        Called by the pipeline after every step.
        """
        latents = callback_kwargs["latents"]
        refuse_packed(latents)
        progress = Progress(pipeline.scheduler, timestep)
        if step_index == 0:
            self._begin(pipeline, progress, callback_kwargs)
        acting = [turn for turn in self._turns if turn.index == progress.index]
        if not acting:
            return callback_kwargs
        ask = partial(self._questions.clean_under, pipeline, callback_kwargs, progress)
        edited = _edited(latents, [turn for turn in acting if not turn.attribute.words], progress, ask)
        hearing = [turn.attribute for turn in acting if turn.attribute.words and turn.attribute.strength]
        if hearing or not torch.equal(edited, latents):
            progress.forget()
        if hearing and self._prompt is not None:  # which is never None then
            callback_kwargs = callback_kwargs | {
                HEARD: heard_with(pipeline, callback_kwargs[HEARD], self._prompt, hearing)
            }
        return {**callback_kwargs, "latents": edited}

    def _begin(self, pipeline: Any, progress: Progress, given: dict[str, Any]) -> None:
        """Refuse what cannot be in this run, and forget the one before."""
        self._turns, self._questions = [], Questions()
        refuse_withheld(given, self.tensor_inputs)
        attributes = [waiting.on(progress.schedule) for waiting in self._waiting]
        self._check(pipeline, progress, given["latents"], attributes)
        if self._prompt is not None and any(item.strength for item in attributes):
            refuse_another(pipeline, given[HEARD], self._prompt)  # before any of it is edited
        self._turns = _turns(attributes, progress)

    def _check(self, pipeline: Any, progress: Progress, latents: Tensor, attributes: Sequence[Ready]) -> None:
        prints = fingerprints_of(pipeline)
        for waiting, attribute in zip(self._waiting, attributes, strict=True):
            record = attribute.record
            # An attribute is taken at its word where the weights do not tell.
            expected = prints or Fingerprints(record.backbone.fingerprint, record.backbone.fingerprint)
            model = model_of(pipeline, latents, expected)
            forced = check_binding(record, model, force=self._force)
            progress.refuse_missed(record.name, attribute.times)
            progress.refuse_unreached(record.name, attribute.times, getattr(pipeline, "num_timesteps", None))
            if waiting.asks:
                refuse_deaf(pipeline, latents, record.name)
            for caution in filter(None, (forced and forced_warning(record, model), uncertain(record, model))):
                _warn_of_run(caution)
        if prints is None:
            _warn_of_run("the weights of this pipeline do not tell whether the attributes were learned on it")
        if cut := unread_in(pipeline, self._prompt or ""):
            _warn_of_run(f"the prompt is too long for this pipeline, which does not read: {cut}")


class _Inputs:
    """What an edit may ask for (``EditInputs``) in a pipeline: what its model says under other prompts, and no more."""

    def __init__(self, name: str, alpha_bar: float, turn: int, ask: _Ask) -> None:
        self.alpha_bar, self.turn = alpha_bar, turn
        self._name, self._ask = name, ask

    def clean_under(self, x: Tensor, prompts: Sequence[str]) -> Tensor:
        return self._ask(x, prompts)

    def clean(self) -> NoReturn:
        raise _out_of_reach(self._name)

    def predict(self, x: Tensor) -> NoReturn:
        raise _out_of_reach(self._name)

    def pull_back(self, x: Tensor, cotangent: Tensor) -> NoReturn:
        raise _out_of_reach(self._name)

    def push_forward(self, x: Tensor, tangent: Tensor) -> NoReturn:
        raise _out_of_reach(self._name)

    def features(self, prompt: str) -> NoReturn:
        raise _out_of_reach(self._name)

    def latent(self, prompt: str, fraction: float | None) -> NoReturn:
        raise _out_of_reach(self._name)

    def clean_latent(self, prompt: str, fraction: float) -> NoReturn:
        raise _out_of_reach(self._name)


@dataclass(frozen=True)
class _Waiting:
    """An attribute that does not know yet on which schedule it is to act.

    Attributes:
        core: that does without the network.
        when: the time that was asked for; None is its own.
        words: at which of the prompt's it acts; none for most.
        asks: whether it asks the model under prompts of its own.
    """

    entry: Entry
    learned: LearnedAttribute
    core: Core | None
    strength: float
    when: When | None
    words: tuple[str, ...]
    asks: bool
    raw = False

    @property
    def record(self) -> AttributeRecord:
        """What its artifact says."""
        return self.learned.record

    def on(self, schedule: Schedule) -> Ready:
        """Ready for the scheduler of a pipeline; refuses a time that it cannot have."""
        record = self.learned.record
        if self.when is not None:
            record = load_plugins().method_of(record).moved(record, self.core, self.when, schedule)
        return ready(replace(self.learned, record=record), self.strength, self.core, words=self.words)


def _waiting(bank: Bank, entry: Entry, asked: Asked, request: ApplyRequest) -> _Waiting:
    learned, strength = opened(bank.artifact(entry)), cast(float, asked.strength)  # ``rho`` has filled it in
    record = learned.record
    method = load_plugins().method_of(record)
    core = method.core_without_network(record)
    needs = method.needs(record, core, strength)
    attribute = ready(learned, strength, core, words=words_for(request, needs.words))
    if attribute.words:
        _require_prompt(request.prompt, record.name)
        require_word(request.prompt or "", attribute.words, record.name)
    if isinstance(attribute.edit, ModelEdit) or not replace(needs, rows=0).nothing:
        raise _out_of_reach(record.name, _why(needs))
    return _Waiting(entry, learned, core, strength, asked.when, attribute.words, asks=needs.rows > 0)


@dataclass(frozen=True)
class _Turn:
    """An attribute at one of its times.

    Attributes:
        index: of the step.
        attribute: that acts there.
        number: which of its times this is, the first being 0.
    """

    index: int
    attribute: Ready
    number: int


def _turns(attributes: Sequence[Ready], progress: Progress) -> list[_Turn]:
    """Every attribute at each of its times; within a step in the order of ``apply``."""
    placed = [([progress.index_of(time) for time in attribute.times], attribute) for attribute in attributes]
    placed.sort(key=lambda one: (one[0][0], -one[1].record.t_x))
    return [_Turn(index, attribute, number) for indices, attribute in placed for number, index in enumerate(indices)]


def _cautions(waiting: Sequence[_Waiting], prompt: str | None, bank: Bank) -> Iterator[str]:
    """What the user should know before any pipeline runs."""
    yield from cautions_of(waiting, bank)
    for found in contradictions(waiting, prompt or ""):
        yield f"{found}, and the pipeline goes on under that; attrbank apply would leave it out"


def _warn_of_run(caution: str) -> None:
    warnings.warn(caution, stacklevel=6)  # in the pipeline, which has called


def _require_prompt(prompt: str | None, name: str) -> None:
    if prompt is None:
        raise InvalidValueError(
            f"{name} acts at words of the prompt, which a pipeline does not hand on.",
            hint="Give it to the callback, too: AttributeCallback(..., prompt=...).",
        )


NETWORK = "needs the network itself, for more than what it says under other prompts, and a callback cannot reach it"


def _why(needs: Needs) -> str:
    """What an attribute needs that no pipeline gives."""
    if needs.beside is not None:
        return "looks at the unedited picture at every step, and a pipeline draws none beside its own"
    if needs.prompt:
        return "changes the whole of what is heard of a prompt, of which a callback changes words alone"
    return NETWORK


def _out_of_reach(name: str, why: str = NETWORK) -> IncompatibleError:
    return IncompatibleError(f"{name} {why}.", hint="Use attrbank apply for it.")


@torch.no_grad()
def _edited(latents: Tensor, turns: Sequence[_Turn], progress: Progress, ask: _Ask) -> Tensor:
    """Latents after the attributes' turn; in single precision on the CPU, where banks are read, and back."""
    before = finite((latents.float() * progress.scale).cpu(), "What the pipeline has denoised so far")
    after = before
    for turn in turns:
        attribute, edit = turn.attribute, cast(Edit, turn.attribute.edit)  # those of the model were refused
        inputs = _Inputs(attribute.record.name, progress.alpha_bar, turn.number, ask)
        after = edit(after, inputs, attribute.strength)
    # The difference is added, so that strength 0 changes no bit in spite of the scaling.
    return finite(latents + ((after - before) / progress.scale).to(latents), "The edited latent")
