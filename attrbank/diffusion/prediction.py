"""From what a network says to (ε, x̂0), and classifier-free guidance on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrbank.diffusion.protocols import Guidance, Prediction
from attrbank.errors import IncompatibleError

if TYPE_CHECKING:  # only operators are used, and a plan counts evaluations without torch
    from torch import Tensor


def from_epsilon(x: Tensor, eps: Tensor, alpha_bar: float) -> Prediction:
    """Invert x = √ᾱ x̂0 + √(1−ᾱ) ε for x̂0 (arXiv:2006.11239, eq. 15).

    Shapes:
        x, eps: (B, C, H, W)

    Raises:
        IncompatibleError: ᾱ is 0, where a noise tells nothing of what it hides.
    """
    if alpha_bar == 0:
        raise IncompatibleError(
            "A model that predicts noise says nothing of a latent that is noise alone, where its schedule begins.",
            hint='Schedules with "rescale_betas_zero_snr" belong to models of "v_prediction": '
            "correct scheduler_config.json in whichever is wrong.",
        )
    x0 = (x - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5
    return Prediction(eps, x0)


def from_velocity(x: Tensor, velocity: Tensor, alpha_bar: float) -> Prediction:
    """Split v = √ᾱ ε − √(1−ᾱ) x̂0 into its parts (arXiv:2202.00512, appendix D).

    Shapes:
        x, velocity: (B, C, H, W)
    """
    signal, noise = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
    return Prediction(signal * velocity + noise * x, signal * x - noise * velocity)


def clip(prediction: Prediction, alpha_bar: float, limit: float) -> Prediction:
    """Keep x̂0 within ±limit, as pixels are, and let ε make up the same latent with it.

    Shapes:
        prediction's: (B, C, H, W)
    """
    if alpha_bar == 1:  # then x̂0 is the latent itself
        return prediction
    x0 = prediction.x0.clamp(-limit, limit)
    return Prediction(prediction.eps + (alpha_bar / (1 - alpha_bar)) ** 0.5 * (prediction.x0 - x0), x0)


def guide(unconditional: Prediction, conditional: Prediction, scale: float) -> Prediction:
    """Classifier-free guidance: u + s (c − u) (arXiv:2207.12598, eq. 6, as s = 1 + w).

    x̂0 is affine in ε, so guiding it by the same rule is what recomputing it from the guided ε would give,
    and it stays finite where ᾱ = 0.

    Shapes:
        all: (B, C, H, W)
    """
    eps = unconditional.eps + scale * (conditional.eps - unconditional.eps)
    x0 = unconditional.x0 + scale * (conditional.x0 - unconditional.x0)
    return Prediction(eps, x0)


def is_guided(guidance_scale: float) -> bool:
    """Whether a scale asks for guidance; one of 1 or less asks for the prompt as it is, as pipelines of diffusers do.

    The formula would drop the prompt at 0, which the cards of distilled models tell people to use.
    """
    return guidance_scale > 1


def evaluations_per_step(guidance_scale: float, guidance: Guidance = "classifier-free") -> int:
    """Network evaluations that one step of one image costs: 2, or 1 where the prompt alone is predicted."""
    return 2 if guidance == "classifier-free" and is_guided(guidance_scale) else 1
