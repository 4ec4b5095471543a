"""What a model says of a picture that is on its way to somewhere else: its prompt, with the change of a pair added."""

from __future__ import annotations

from attrbank.diffusion.position import Position
from attrbank.diffusion.protocols import Prediction
from attrbank.diffusion.trajectory import Trajectory, predict_under


def predict_towards(trajectory: Trajectory, position: Position, prompt: str, source: str, target: str) -> Prediction:
    """The guided prediction under a prompt, and g (ε(target) − ε(source)): guidance with a second term.

    Under the pair's own source prompt that is the target prompt's prediction, and the pair's two rows are saved.

    Args:
        trajectory: what the latents are on.
        position: of the latents (B, C, H, W).
        prompt: of the pictures.
        source: of the pair whose change is added.
        target: of that pair.

    Raises:
        NumericError: a prediction is not finite.
    """
    if source == prompt:
        return trajectory.predict(position, trajectory.conditioning(target))
    plain = trajectory.predict(position, trajectory.conditioning(prompt))
    eps, x0 = predict_under(trajectory, position, (source, target))
    scale = trajectory.guidance_scale if trajectory.is_guided else 1.0
    return Prediction(plain.eps + scale * (eps[1] - eps[0]), plain.x0 + scale * (x0[1] - x0[0]))
