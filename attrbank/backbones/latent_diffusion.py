"""Any Stable Diffusion model, from a folder in the format of diffusers or from the hub."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from attrbank.backbones.components import load_components
from attrbank.backbones.folder import BackboneFolder
from attrbank.diffusion.prediction import from_epsilon, from_velocity
from attrbank.diffusion.protocols import Conditioning, Prediction
from attrbank.errors import InvalidValueError


class LatentDiffusion:
    """A prompt encoder, a noise predictor and an image codec, in float32 on the CPU.

    Weights are frozen, so no graph is recorded unless an input asks for gradients; a method that wants them
    can have them.

    Args:
        folder: the model's description, from ``stable_diffusion.describe``.

    Attributes:
        unet: the noise predictor, for methods that look inside it or put another in its place, in a copy.

    Raises:
        IncompatibleError: a part of the model cannot be loaded.
    """

    def __init__(self, folder: BackboneFolder) -> None:
        self.name = folder.name
        self.fingerprint = folder.fingerprint
        self.latent_shape = folder.latent_shape
        self.prediction_type = folder.prediction_type
        self.schedule = folder.schedule
        self.defaults = folder.defaults
        self.words = folder.words
        self._folder = folder
        self._tokenizer, self._text_encoder, self.unet, self._vae = load_components(folder.path)

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """The text encoder's last hidden states, ``text`` (B, length, D); what exceeds the length is cut off.

        Raises:
            InvalidValueError: a prompt is not valid Unicode.
        """
        try:
            tokens = self._tokenizer(
                list(prompts),
                padding="max_length",
                max_length=self._tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            )
        except (TypeError, UnicodeError) as error:
            raise InvalidValueError("A prompt is not valid Unicode text.") from error
        return {"text": self._text_encoder(tokens.input_ids)[0]}

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of the prompt that the model has never seen, in order; empty if it may know any word."""
        return self._folder.unknown_words(prompt)

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """One evaluation of the UNet per row.

        Shapes:
            latent, eps, x0: (B, C, H, W)
        """
        output = self.unet(latent, timestep, encoder_hidden_states=conditioning["text"], return_dict=False)[0]
        alpha_bar = self.schedule.alpha_bar(timestep)
        if self.prediction_type == "v_prediction":
            return from_velocity(latent, output, alpha_bar)
        return from_epsilon(latent, output, alpha_bar)

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, h, w) in [0, 1] to the mode of their latents (B, C, H, W)."""
        latent: Tensor = self._vae.encode(2 * images - 1).latent_dist.mode() * self._vae.config.scaling_factor
        return latent

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, C, H, W) to images (B, 3, h, w) in [0, 1]."""
        images: Tensor = self._vae.decode(latent / self._vae.config.scaling_factor).sample
        return (images / 2 + 0.5).clamp(0, 1)
