"""The methods as attrbank sees them; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrbank.plugin import (
    AttributeRecord,
    InvalidValueError,
    LearnSpec,
    Needs,
    OtherRun,
    OverInterval,
    attention_of,
    moved_at_once,
    token_spans_of,
)
from attrbank_prompt.parameters import NO_WORD, Parameters, require_effect

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Description, Edit, LearnContext, Learned, PairedEdit, PromptEdit, Schedule, When

HALF_WAY = 0.5


class ByPrompts(OverInterval):
    """What the methods share: one pair of prompts, of which the encoder's difference is kept, and no seeds.

    They act from T_x to T_z = T_x + Δτ, by default from the noise to the end.
    """

    options = frozenset[str]()
    begins = 1.0
    seeds = (0,)

    def learn(self, context: LearnContext) -> Learned:
        """Listen to both prompts."""
        from attrbank_prompt.hearing import learn

        return learn(context)

    def direction(self, record: AttributeRecord, arrays: Mapping[str, Any]) -> Any:
        """What the encoders make of the target less what they make of the source."""
        import numpy as np

        heard = [arrays[name].astype("f8").ravel() for name in sorted(arrays) if name.startswith("heard")]
        return np.concatenate(heard) if heard else None

    def parts(self, record: AttributeRecord, core: str | None) -> tuple[Any, ...]:
        """The text encoders."""
        return ("text",)

    def needs_its_network(self, record: AttributeRecord) -> bool:
        """It fits every model with the same text encoders."""
        return False

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """From the noise to the end; a seed, because every attribute has one.

        Raises:
            InvalidValueError: there are several pairs.
        """
        if pairs > 1:
            raise InvalidValueError(
                f"The method {self.name!r} takes one pair of prompts.", hint="Leave --keep and further prompts out."
            )
        return super().settings(given, pairs=pairs, pictures=pictures, preset=preset)


class Interpolation(ByPrompts):
    """The conditioning goes s times from the source's to the target's, and stays there."""

    name = "prompt-interpolation"

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> PromptEdit:
        """The difference of what is heard, added from T_x to T_z."""
        from attrbank_prompt.checking import require_heard
        from attrbank_prompt.hearing import Interpolated

        require_heard(tensors)
        return Interpolated(tensors, record.t_z)

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        """No evaluation."""
        return Needs(prompt=True)


class Mixing(ByPrompts):
    """At T/2 the latent goes s times of the way to the target prompt's from the same noise."""

    name = "prompt-mixing"

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> Edit:
        """One move, at T_x."""
        from attrbank_prompt.mixing import Mixed

        return Mixed(record.pairs[0].target)

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        """The target prompt's run to T_x."""
        return Needs(runs=(OtherRun(None),)) if strength else Needs()

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Any) -> dict[str, Any]:
        """Half-way, and at once."""
        fields = super().settings(given, pairs=pairs, pictures=pictures, preset=preset)
        if given.get("delta_tau"):
            raise InvalidValueError(
                f"The method {self.name!r} acts once, so a Δτ has no effect.", hint="Leave --delta-tau out."
            )
        return {**fields, "t_x": HALF_WAY, "delta_tau": 0.0, **given}

    def moved(self, record: AttributeRecord, core: str | None, when: When, schedule: Schedule) -> AttributeRecord:
        """At another time.

        Raises:
            InvalidValueError: it is to act over an interval.
        """
        moved = moved_at_once(record, when, schedule)
        return moved.model_copy(update={"delta_tau": 0.0})  # there is no T_z that could stay where it is

    def check(self, spec: LearnSpec, model: Description) -> None:
        """Any model and time will do."""


class PromptToPrompt(ByPrompts):
    """The picture under the target prompt, which looks where the unedited picture looks (arXiv 2208.01626)."""

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    name = "prompt-to-prompt"

    def learn(self, context: LearnContext) -> Learned:
        """Listen to both prompts, and find each one's words in the other."""
        from attrbank_prompt.places import learn

        return learn(context, self.parameters)

    def edit(
        self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None
    ) -> PromptEdit | PairedEdit:
        """Both what is heard and where it is looked, from T_x to T_z."""
        from attrbank_prompt.checking import require_places
        from attrbank_prompt.paired import Paired

        require_places(tensors, blends=self.parameters.blend != NO_WORD)
        return Paired(self.parameters, tensors, record.t_x, record.t_z)

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        """The unedited picture beside it."""
        return Needs(prompt=True, beside=record.t_z)

    def check(self, spec: LearnSpec, model: Description) -> None:
        """The model must show its attention, and tell where words stand; all that is asked for must have an effect."""
        super().check(spec, model)
        require_effect(self.parameters)
        attention_of(model, f"The method {self.name!r}")
        pair, asked = spec.pairs[0], self.parameters
        token_spans_of(model, pair.source, f"The method {self.name!r}")
        if pair.source == pair.target and (asked.edit != "reweight" or asked.word == NO_WORD):
            raise InvalidValueError(
                "Both prompts say the same, so there is nothing to edit but the weight of a word.",
                hint="Write --method prompt-to-prompt:edit=reweight,word=WORD.",
            )
