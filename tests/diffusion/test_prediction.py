import pytest
import torch

from attrbank.diffusion.prediction import evaluations_per_step, from_epsilon, from_velocity, guide
from attrbank.diffusion.protocols import Guidance
from attrbank.errors import IncompatibleError


def noised(alpha_bar: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x0, eps = torch.randn(2, 3, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return x0, eps, alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * eps


@pytest.mark.parametrize("alpha_bar", [0.01, 0.5, 0.999, 1.0])
def test_true_noise_gives_back_the_clean_latent(alpha_bar: float) -> None:
    x0, eps, x = noised(alpha_bar)
    torch.testing.assert_close(from_epsilon(x, eps, alpha_bar).x0, x0)


@pytest.mark.parametrize("alpha_bar", [0.0, 0.01, 0.5, 0.999, 1.0])
def test_true_velocity_gives_back_noise_and_clean_latent(alpha_bar: float) -> None:
    x0, eps, x = noised(alpha_bar)
    prediction = from_velocity(x, alpha_bar**0.5 * eps - (1 - alpha_bar) ** 0.5 * x0, alpha_bar)
    torch.testing.assert_close(prediction.eps, eps)
    torch.testing.assert_close(prediction.x0, x0)


def test_noise_alone_tells_a_model_of_noise_nothing() -> None:
    _, eps, x = noised(0.0)
    with pytest.raises(IncompatibleError, match="noise alone") as raised:
        from_epsilon(x, eps, 0.0)
    assert "rescale_betas_zero_snr" in str(raised.value.hint)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 7.5])
def test_guided_clean_latent_is_the_one_of_the_guided_noise(scale: float) -> None:
    x, u, c = torch.randn(3, 1, 4, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    guided = guide(from_epsilon(x, u, 0.3), from_epsilon(x, c, 0.3), scale)
    torch.testing.assert_close(guided.eps, (1 - scale) * u + scale * c)
    torch.testing.assert_close(guided.x0, from_epsilon(x, guided.eps, 0.3).x0)


def test_guidance_that_needs_one_prompt_costs_one_evaluation() -> None:
    assert [evaluations_per_step(scale) for scale in (0, 0.5, 1, 1.0, 7.5)] == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("guidance", ["embedded", "none"])
def test_guidance_without_a_second_prompt_costs_one_evaluation_at_any_scale(guidance: Guidance) -> None:
    assert [evaluations_per_step(scale, guidance) for scale in (0, 0.5, 1, 7.5)] == [1, 1, 1, 1]
