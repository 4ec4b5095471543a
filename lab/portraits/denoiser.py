"""The text encoder and the noise predictor of ``portraits``, and the loss they are trained on."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from attrbank.backbones.portraits.parameters import ATTRIBUTES
from lab.portraits.captions import MAX_TOKENS, Description, describe

LEARNING_RATE, BATCH, SNR_CEILING = 1e-3, 32, 5.0
READING_WEIGHT, NOISY_SHARE, NOISY_FROM = 0.05, 0.5, 400


def build_unet(widths: tuple[int, int, int] = (32, 64, 128), groups: int = 16) -> UNet2DConditionModel:
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


def build_reader() -> nn.Linear:
    """Reads off the text encoder's states which attributes a caption names; used in training only."""
    return nn.Linear(128, 3 * len(ATTRIBUTES))


def build_scheduler() -> DDIMScheduler:
    """Stable Diffusion's own schedule."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="leading",
        prediction_type="epsilon",
    )


@dataclass(frozen=True)
class Examples:
    """Encoded portraits with what is true of them.

    Shapes:
        latents: (N, 4, 32, 32), float16, scaled to unit variance.
        attributes: (N, 6).
    """

    latents: Tensor
    attributes: Tensor


@dataclass(frozen=True)
class Networks:
    """What is trained together."""

    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    reader: nn.Linear


def min_snr_weight(alpha_bar: Tensor) -> Tensor:
    """Weights of the noise error, min(SNR, 5) / SNR (Hang et al., arXiv:2303.09556)."""
    snr = alpha_bar / (1 - alpha_bar)
    return snr.clamp(max=SNR_CEILING) / snr


class DenoisingLoss:
    """The weighted noise error at step n, on a random batch with freshly written captions.

    Half of the timesteps are drawn from the noisy end, where prompts decide what a picture shows. A small second loss
    asks the text encoder to tell what a caption names: words that go together in the data, such as "hat" and
    "beard", are otherwise told apart very late.
    """

    def __init__(self, networks: Networks, tokenizer: CLIPTokenizer, examples: Examples, seed: int) -> None:
        self.networks, self.tokenizer, self.examples, self.seed = networks, tokenizer, examples, seed
        self.alpha_bars = build_scheduler().alphas_cumprod

    def __call__(self, step: int) -> Tensor:
        """The loss; a pure function of the step and the networks, so that a resumed run repeats it."""
        generator = torch.Generator().manual_seed(self.seed + step)
        rows = torch.randint(len(self.examples.latents), (BATCH,), generator=generator)
        clean = self.examples.latents[rows].float()
        timesteps = self._timesteps(generator)
        noise = torch.randn(clean.shape, generator=generator)
        alpha_bar = self.alpha_bars[timesteps].view(-1, 1, 1, 1)
        noisy = alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise
        descriptions = self._descriptions(rows, random.Random(self.seed + step))  # noqa: S311 — captions, not secrets
        with torch.autocast("cpu", torch.bfloat16):
            text = self.networks.text_encoder(self._tokens(descriptions)).last_hidden_state
            latents = noisy.contiguous(memory_format=torch.channels_last)
            predicted = self.networks.unet(latents, timesteps, text).sample
        error = (predicted.float() - noise).square().mean(dim=(1, 2, 3))
        weighted: Tensor = min_snr_weight(alpha_bar.flatten()) * error
        return weighted.mean() + READING_WEIGHT * self._reading_loss(text.float(), descriptions)

    def _timesteps(self, generator: torch.Generator) -> Tensor:
        anywhere = torch.randint(len(self.alpha_bars), (BATCH,), generator=generator)
        noisy = torch.randint(NOISY_FROM, len(self.alpha_bars), (BATCH,), generator=generator)
        return torch.where(torch.rand(BATCH, generator=generator) < NOISY_SHARE, noisy, anywhere)

    def _descriptions(self, rows: Tensor, rng: random.Random) -> list[Description]:
        truths = self.examples.attributes[rows].int().tolist()
        return [describe(dict(zip(ATTRIBUTES, truth, strict=True)), rng) for truth in truths]

    def _tokens(self, descriptions: list[Description]) -> Tensor:
        tokens = self.tokenizer(
            [description.text for description in descriptions],
            padding="max_length",
            truncation=True,
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        numbers: Tensor = tokens.input_ids
        return numbers

    def _reading_loss(self, text: Tensor, descriptions: list[Description]) -> Tensor:
        """Cross-entropy of absent, present and not named, per attribute."""
        named = [[description.mentioned.get(name, 2) for name in ATTRIBUTES] for description in descriptions]
        logits = self.networks.reader(text.mean(1)).view(-1, 3)  # (B·6, 3)
        return functional.cross_entropy(logits, torch.tensor(named).flatten())
