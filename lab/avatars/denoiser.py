"""The text encoder and the noise predictor of ``avatars``, and the loss they are trained on."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from lab.avatars.examples import QUESTIONS, Examples
from lab.avatars.loop import layout
from lab.portraits import denoiser as portraits
from lab.portraits.denoiser import Networks
from lab.recorded import Batch

LEARNING_RATE, READING_WEIGHT = 1e-3, 0.05
CEILING, DETAIL, REACH, FACE = 5.0, 2.0, 3, 8.0
"""How much more a clean latent may count than pure noise; how much more places do that have edges within REACH; and how
much more, of an average place, those count that a mood would change."""


def build_unet() -> UNet2DConditionModel:
    """A small UNet; cross-attention also at 16×16, since prompts say who stands on the left and who on the right."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(48, 96, 112),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=(3, 3, 7),  # numbers of heads, in spite of the name: 32 and 16 channels each
        norm_num_groups=16,
    )


def build_scheduler() -> DDIMScheduler:
    """A schedule that ends in noise alone, at a root of ᾱ of .006, where Stable Diffusion's ends at .068.

    Those .068 give the colour of a ground away, so that a model never learns to take it from the prompt
    (Lin et al., arXiv:2305.08891). Where there is noise alone, only a velocity can be predicted.
    """
    return portraits.build_scheduler(beta_end=0.025, prediction_type="v_prediction")


def weight_of_time(alpha_bar: Tensor) -> Tensor:
    """Weights of a velocity's squared error: min(1, 5 (1 − ᾱ)), so that a clean latent's counts min(1 + SNR, 5).

    Noisy times keep their whole weight, other than by min-SNR (Hang et al., arXiv:2303.09556): prompts are heard there.
    """
    return (CEILING * (1 - alpha_bar)).clamp(max=1)


def weight_of_place(clean: Tensor) -> Tensor:
    """How much each place counts, (B, 1, h, w), 1 on average: faces are few places of a large ground.

    Shapes:
        clean: (B, 4, h, w).
    """
    across = functional.pad((clean[..., 1:] - clean[..., :-1]).abs(), (0, 1, 0, 0))
    down = functional.pad((clean[..., 1:, :] - clean[..., :-1, :]).abs(), (0, 0, 0, 1))
    contrast = functional.max_pool2d((across + down).mean(1, keepdim=True), REACH, stride=1, padding=REACH // 2)
    weight = 1 + DETAIL * contrast / contrast.mean(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    return weight / (1 + DETAIL)


def build_reader() -> nn.Linear:
    """Reads off the text encoder's states what a caption says; used in training only."""
    return nn.Linear(128, sum(len(values) + 1 for _, values in QUESTIONS))


class DenoisingLoss:
    """The weighted error of the velocity √ᾱ ε − √(1 − ᾱ) x₀ at step n, on random examples with a caption of each.

    A small second loss asks the text encoder to tell what a caption says of whom, which the first alone teaches late.
    Everything is drawn on the device of the examples, so that a GPU never waits for the CPU.
    """

    def __init__(self, networks: Networks, examples: Examples, *, seed: int, batch: int) -> None:
        self.networks, self.examples, self.seed, self.batch = networks, examples, seed, batch
        self.device = examples.latents.device
        self.alpha_bars = build_scheduler().alphas_cumprod.to(self.device)

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        return self.of(self.draw(step))

    def draw(self, step: int) -> Batch:
        """A step's latents, faces, tokens, what these say, timesteps and noise."""
        generator = torch.Generator(device=self.device).manual_seed(self.seed * 1_000_003 + step)
        rows = self._integers(len(self.examples.latents), generator)
        caption = self._integers(self.examples.tokens.shape[1], generator)
        clean, faces = self.examples.latents[rows].float(), self.examples.faces[rows].float()
        timesteps = self._integers(len(self.alpha_bars), generator)
        noise = torch.randn(clean.shape, generator=generator, device=self.device)
        said = self.examples.tokens[rows, caption].long(), self.examples.said[rows, caption].long()
        return clean, faces, *said, timesteps, noise

    def of(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        clean, faces, tokens, said, timesteps, noise = batch
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        signal, grain = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        noisy, velocity = signal * clean + grain * noise, signal * noise - grain * clean
        with torch.autocast(self.device.type, torch.bfloat16):
            text = self.networks.text_encoder(tokens).last_hidden_state
            latents = noisy.contiguous(memory_format=layout(self.device))
            predicted = self.networks.unet(latents, timesteps, text).sample
        weight = weight_of_place(clean) + FACE * faces[:, None]
        error = (weight * (predicted.float() - velocity).square()).mean(dim=(1, 2, 3))
        weighted: Tensor = weight_of_time(alpha_bar.flatten()) * error
        return weighted.mean() + READING_WEIGHT * self._reading_loss(text.float(), said)

    def _integers(self, end: int, generator: torch.Generator) -> Tensor:
        return torch.randint(0, end, (self.batch,), generator=generator, device=self.device)

    def _reading_loss(self, text: Tensor, right: Tensor) -> Tensor:
        """Mean cross-entropy over ``QUESTIONS``."""
        logits = self.networks.reader(text.mean(1)).split([len(values) + 1 for _, values in QUESTIONS], dim=1)
        losses = [functional.cross_entropy(one, right[:, number]) for number, one in enumerate(logits)]
        return torch.stack(losses).mean()
