"""The text encoder and the noise predictor of ``portraits``, and the loss they are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from lab.portraits.examples import Examples
from lab.portraits.loop import on
from lab.portraits.openness import WIDTH
from lab.portraits.tokens import MAX_TOKENS
from lab.recorded import Batch

LEARNING_RATE, BATCH, SNR_CEILING = 1e-3, 32, 5.0
UNET_WIDTHS = (40, 80, 160)
READING_WEIGHT, NOISY_SHARE, NOISY_FROM = 0.15, 0.5, 400


def build_unet(widths: tuple[int, int, int] = UNET_WIDTHS, groups: int = 8) -> UNet2DConditionModel:
    """A small UNet; cross-attention only at 8×8 and in the middle, where it is cheap.

    Args:
        widths: channels at 32×32, 16×16 and 8×8.
        groups: of the norms; they divide the widths.
    """
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=widths,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=4,
        norm_num_groups=groups,
    )


def build_text_encoder(tokenizer: CLIPTokenizer, tokens: int = MAX_TOKENS) -> CLIPTextModel:
    """A two-layer CLIP text model over a grammar's own vocabulary, for prompts of so many tokens."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokens,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            projection_dim=128,
        )
    )


def build_scheduler(*, beta_end: float = 0.012, prediction_type: str = "epsilon") -> DDIMScheduler:
    """Stable Diffusion's own schedule, or one that ends elsewhere or whose network predicts something else."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=beta_end,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="leading",
        prediction_type=prediction_type,
    )


@dataclass(frozen=True)
class Networks:
    """What is trained together."""

    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    reader: nn.Linear


def build(tokenizer: CLIPTokenizer, device: torch.device) -> Networks:
    """Untrained networks; the reader tells from the text encoder's states what a caption leaves open."""
    return Networks(
        text_encoder=on(device, build_text_encoder(tokenizer)),
        unet=on(device, build_unet()),
        reader=on(device, nn.Linear(128, WIDTH)),
    )


def min_snr_weight(alpha_bar: Tensor) -> Tensor:
    """Weights of the noise error, min(SNR, 5) / SNR (Hang et al., arXiv:2303.09556)."""
    snr = alpha_bar / (1 - alpha_bar)
    return snr.clamp(max=SNR_CEILING) / snr


class DenoisingLoss:
    """The weighted noise error at step n, on a random batch, each portrait with one of its captions.

    Half of the timesteps are drawn from the noisy end, where prompts decide what a picture shows. A small second loss
    asks the text encoder to tell what a caption leaves open: words that go together in the data, such as "old" and
    "glasses", are otherwise told apart very late.

    Args:
        networks: what learns.
        examples: what from, on the device of the networks.
        seed: of everything that is random.
        batch: portraits of a step.
    """

    def __init__(self, networks: Networks, examples: Examples, seed: int, batch: int = BATCH) -> None:
        self.networks, self.examples, self.seed, self.batch = networks, examples, seed, batch
        self.device = examples.latents.device
        self.alpha_bars = build_scheduler().alphas_cumprod.to(self.device)

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        return self.of(self.draw(step))

    def draw(self, step: int) -> Batch:
        """A step's latents, tokens, what these leave open, timesteps and noise."""
        dice = torch.Generator(self.device).manual_seed(self.seed + step)
        rows, captions = self._integers(dice, 0, len(self.examples.latents)), self._integers(dice, 0, self._captions)
        clean = self.examples.latents[rows].float()
        timesteps, noise = self._timesteps(dice), torch.randn(clean.shape, generator=dice, device=self.device)
        said = self.examples.tokens[rows, captions].long(), self.examples.open[rows, captions].float()
        return clean, *said, timesteps, noise

    def of(self, batch: Batch) -> Tensor:
        """The loss of a batch."""
        clean, tokens, open_, timesteps, noise = batch
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        noisy = alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16):
            text = self.networks.text_encoder(tokens).last_hidden_state
            latents = noisy.contiguous(memory_format=torch.channels_last)
            predicted = self.networks.unet(latents, timesteps, text).sample
        error = (predicted.float() - noise).square().mean(dim=(1, 2, 3))
        weighted: Tensor = min_snr_weight(alpha_bar.flatten()) * error
        told = functional.binary_cross_entropy_with_logits(self.networks.reader(text.float().mean(1)), open_)
        return weighted.mean() + READING_WEIGHT * told

    @property
    def _captions(self) -> int:
        return self.examples.tokens.shape[1]

    def _integers(self, dice: torch.Generator, low: int, high: int) -> Tensor:
        return torch.randint(low, high, (self.batch,), generator=dice, device=self.device)

    def _timesteps(self, dice: torch.Generator) -> Tensor:
        last = len(self.alpha_bars)
        anywhere, noisy = self._integers(dice, 0, last), self._integers(dice, NOISY_FROM, last)
        return torch.where(torch.rand(self.batch, generator=dice, device=self.device) < NOISY_SHARE, noisy, anywhere)
