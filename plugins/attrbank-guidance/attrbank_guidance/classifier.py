"""Classifier guidance, with a small classifier of noised latents that is learned from both sides of the pairs.

Dhariwal and Nichol, arXiv 2105.05233. Nothing here imports torch before it must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from attrbank_guidance.parametrized import Parametrized

if TYPE_CHECKING:
    from torch import Tensor

    from attrbank.plugin import AttributeRecord, Guide, LearnContext, Learned
    from attrbank_guidance.noise_aware import NoiseAware


class Parameters(BaseModel):
    """What may be set.

    Attributes:
        scale: of the gradient at strength 1; published are 1 to 10. At 1, of a perfect classifier, strength 1 draws
            from the pictures with the attribute; of one that is learned from some dozens of pairs, little happens.
    """

    scale: float = Field(10.0, gt=0, le=100)


class Classifier(Parametrized[Parameters]):
    """The gradient of how sure a classifier is of the target, or below 0 of the source."""

    name = "classifier"
    options = frozenset({"branch", "pictures"})
    begins = 0.8
    seeds = tuple(range(48))

    def learn(self, context: LearnContext) -> Learned:
        """Train it on the clean latents of both sides.

        Raises:
            InvalidValueError: the pairs lead nowhere, and ``context.force`` is off.
        """
        import torch

        from attrbank.plugin import Learned, predict_clean_pairs
        from attrbank_guidance.fitting import fit

        to_the_end = replace(context, index_z=context.trajectory.end)
        source, target = predict_clean_pairs(to_the_end)
        fitted = fit(
            source,
            target,
            context.trajectory.backbone.schedule.alphas_cumprod,
            generator=torch.Generator().manual_seed(context.spec.seeds[0]),
            on_step=lambda done, total: context.on_progress("fitting", done, total),
        )
        return Learned(fitted.net.tensors(), {} if fitted.right is None else {"measured": {"right": fitted.right}})

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: str | None = None) -> Steered:
        """Guidance by the classifier of the artifact."""
        from attrbank_guidance.noise_aware import NoiseAware

        return Steered(NoiseAware.from_tensors(tensors), self.parameters.scale, record.t_z)


@dataclass(frozen=True, eq=False)
class Steered:
    """An attribute ready to act (``GuidanceEdit``).

    Attributes:
        classifier: of noised latents.
        scale: of its gradient at strength 1.
        until: the time fraction at which it stops to act.
    """

    classifier: NoiseAware
    scale: float
    until: float

    def guide(self, strength: float) -> Guide:
        """Towards the target, or below 0 towards the source; what is there already is left alone."""
        from torch.nn.functional import logsigmoid

        from attrbank_guidance.gradients import along_gradient

        side = 1 if strength > 0 else -1

        def log_probability(x: Tensor, alpha_bar: float) -> Tensor:
            return logsigmoid(side * self.classifier(x, x.new_full((len(x),), alpha_bar)))

        return along_gradient(log_probability, abs(strength) * self.scale)
