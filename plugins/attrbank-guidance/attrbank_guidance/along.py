"""What guidance by words shares: pairs of prompts, and an artifact with little beside them.

Nothing here imports torch before it must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from attrbank.plugin import AttributeRecord, Meanwhile, Needs, Prediction, PromptPair
from attrbank_guidance.parametrized import P, Parametrized

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import Guide, GuideInputs, LearnContext, Learned

SEEDS = (0, 1, 2, 3)
"""On which the pairs are looked at, so that what says nothing is refused; of more, the first few."""

Pairs: TypeAlias = Sequence[PromptPair]


class AlongPairs(Parametrized[P]):
    """Guidance along pairs, at a row of the network for each of their prompts a step.

    It holds nothing of the network, and fits every model that reads prompts in the same way.
    """

    options = frozenset[str]()
    seeds = SEEDS

    def guide(self, pairs: Pairs, strength: float) -> Guide:
        """What acts in one run."""
        raise NotImplementedError

    def learn(self, context: LearnContext) -> Learned:
        """How far the pairs lead, ‖ẑ0 − x̂0‖ / √(CHW) at T_z for each of a few seeds, (M,); edits do not use it.

        Raises:
            InvalidValueError: they lead nowhere, and ``context.force`` is off.
        """
        from attrbank.plugin import Learned, predict_clean_pairs

        enough = context.spec.seeds[: max(len(SEEDS), len(context.spec.pairs))]
        spec = context.spec.model_copy(update={"seeds": enough})
        source, target = predict_clean_pairs(replace(context, spec=spec))
        return Learned({"change": (target - source).square().mean(dim=(1, 2, 3)).sqrt()})

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> Guided[P]:
        """Guidance along the pairs of the record."""
        return Guided(self, record.pairs, record.t_z)

    def needs(self, record: AttributeRecord, core: str | None, strength: float) -> Needs:
        """Every prompt at every step of the interval."""
        return Needs(meanwhile=Meanwhile(len(prompts_of(record.pairs)), record.t_z))

    def parts(self, record: AttributeRecord, core: str | None) -> tuple[Any, ...]:
        """What reads the prompts."""
        return ("text",)

    def needs_its_network(self, record: AttributeRecord) -> bool:
        """It asks the one that it finds."""
        return False


@dataclass(frozen=True, eq=False)
class Guided(Generic[P]):
    """An attribute ready to act (``GuidanceEdit``)."""

    method: AlongPairs[P]
    pairs: Pairs
    until: float

    def guide(self, strength: float) -> Guide:
        """Of one run."""
        return self.method.guide(self.pairs, strength)


def prompts_of(pairs: Pairs) -> tuple[str, ...]:
    """Every prompt once."""
    return tuple(dict.fromkeys(prompt for pair in pairs for prompt in (pair.target, pair.source)))


def difference(inputs: GuideInputs, pairs: Pairs) -> Prediction:
    """What target prompts change of what source prompts say at a latent, in ε and in x̂0, (B, C, H, W).

    Of several pairs the mean.
    """
    prompts = prompts_of(pairs)
    targets, sources = ([prompts.index(getattr(pair, side)) for pair in pairs] for side in ("target", "source"))
    eps, x0 = inputs.under(prompts)
    return Prediction((eps[targets] - eps[sources]).mean(0), (x0[targets] - x0[sources]).mean(0))


def times(change: Prediction, factor: float | Tensor) -> Prediction:
    """A multiple of a change."""
    return Prediction(factor * change.eps, factor * change.x0)


def plus(prediction: Prediction, change: Prediction) -> Prediction:
    """What is said with a change; x̂0 is affine in ε, so that both change alike."""
    return Prediction(prediction.eps + change.eps, prediction.x0 + change.x0)


def as_noise(eps: Tensor, alpha_bar: float) -> Prediction:
    """A change of ε, with what it changes of x̂0, at ᾱ above 0."""
    return Prediction(eps, -(((1 - alpha_bar) / alpha_bar) ** 0.5) * eps)
