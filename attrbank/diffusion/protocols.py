"""What a backbone, a sampler and a metric must offer.

Latents are variance-preserving throughout: x_t = √ᾱ x̂0 + √(1−ᾱ) ε.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from attrbank.diffusion.placement import Dtype, Placement
from attrbank.diffusion.schedule import Grid, Schedule
from attrbank.errors import InvalidValueError

if TYPE_CHECKING:  # a plan reads the defaults of a backbone and must not wait for torch
    from torch import Tensor

__all__ = ["Backbone", "Conditioning", "Defaults", "Grid", "Guidance", "InvertibleSampler", "Prediction", "Sampler"]

Conditioning: TypeAlias = "Mapping[str, Tensor]"
"""What a backbone makes of prompts: named tensors, each with the batch first. Opaque to all others."""

Guidance: TypeAlias = Literal["classifier-free", "embedded", "none"]
"""How a model is guided: by two predictions, with the prompt and without; by a network that takes the scale as an input
(``guidance_scale``, (B,), of its conditioning); or not at all, because it knows no prompts."""


class Prediction(NamedTuple):
    """What a backbone says about a latent, whatever it was trained to predict.

    Shapes:
        eps: (B, C, H, W), the predicted noise.
        x0: (B, C, H, W), the predicted clean latent.
    """

    eps: Tensor
    x0: Tensor


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What a backbone recommends when the user does not say."""

    steps: int = 50
    guidance_scale: float = 7.5
    prompt: str = ""
    sampler: str = "ddim"


class Backbone(Protocol):
    """A latent diffusion model: prompt encoder, noise predictor and image codec.

    Attributes:
        name: as the user gave it ("portraits", a folder, a hub id).
        fingerprint: hex digest that decides whether an attribute fits (docs/architecture.md 6).
        latent_shape: (C, H, W).
        prediction_type: "epsilon", "v_prediction" or "flow", as recorded in artifacts.
        schedule: the noise schedule of training.
        defaults: recommended settings.
        words: the words that it knows, in lower case; None if it may know any.

    A backbone may also have ``guidance``; without it, guidance is classifier-free. And it may have a ``family``, which
    models share whose latents mean the same; without it, it is a family of its own. With ``picture_size``, the height
    and width of its pictures, nothing need be decoded to know them. ``parts`` are SHA-256s, in hex, of its "text"
    encoders, its "codec" and its "sampling", by which a batch tells that it is still the same. ``unread(prompt)`` is
    what it does not read of a prompt that is too long. ``token_spans(prompt)``, which its description has as well,
    tells how each text encoder spells a prompt, see ``spelling.TokenSpans``: without it, no edit acts at words.
    ``features`` and ``injecting`` show and change what a UNet makes at its bottleneck, see ``bottleneck.Bottleneck``;
    ``attention`` and ``attending`` where it looks, see ``attention.Attentive``; ``adapting`` puts another network
    in the place of its own, see ``network.Adaptable``.
    """

    name: str
    fingerprint: str
    latent_shape: tuple[int, int, int]
    prediction_type: str
    schedule: Schedule
    defaults: Defaults
    words: frozenset[str] | None

    def encode_prompts(self, prompts: Sequence[str]) -> Conditioning:
        """Conditioning for B prompts; the empty prompt is the unconditional one, and the only one without guidance.

        With embedded guidance it holds the recommended scale, which a run replaces by its own.
        """
        ...

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of the prompt that the model has never seen, in order; empty if it knows any word."""
        ...

    def predict(self, latent: Tensor, timestep: int, conditioning: Conditioning) -> Prediction:
        """One network evaluation per row of ``latent`` (B, C, H, W)."""
        ...

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, h, w) in [0, 1] to latents (B, C, H, W)."""
        ...

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, C, H, W) to images (B, 3, h, w) in [0, 1]."""
        ...


class Comparable(Protocol):
    """What is compared of two models; they may also have ``family``, ``former_fingerprint`` and ``parts``."""

    @property
    def name(self) -> str:
        """As the user gave it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of its configuration and weights."""
        ...

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        ...

    @property
    def prediction_type(self) -> str:
        """What the network says."""
        ...


class Description(Comparable, Protocol):
    """What plans and compatibility checks ask of a backbone: its attributes, which may be known without loading it."""

    @property
    def schedule(self) -> Schedule: ...

    @property
    def defaults(self) -> Defaults: ...

    @property
    def words(self) -> frozenset[str] | None: ...

    def unknown_words(self, prompt: str) -> list[str]: ...


def guidance_of(model: Description) -> Guidance:
    """The model's own word for it, else classifier-free, as plugins that are older than the choice mean."""
    guidance: Guidance = getattr(model, "guidance", "classifier-free")
    return guidance


def family_of(model: Comparable) -> str:
    """What kind of model it is."""
    family: str = getattr(model, "family", model.name)
    return family


def parts_of(model: Comparable) -> Mapping[str, str]:
    """Fingerprints of what stands around the network that denoises, by name; none where the model does not say."""
    parts: Mapping[str, str] = getattr(model, "parts", {})
    return parts


def former_of(model: Comparable) -> str | None:
    """The fingerprint by which older artifacts know it; None where the model has none."""
    former: str | None = getattr(model, "former_fingerprint", None)
    return former


def precision_of(model: Description, placement: Placement | None) -> Dtype | None:
    """The precision that the model's networks have where a user wants them; None where that is its own affair.

    Raises:
        InvalidValueError: they cannot run there.
    """
    say: Callable[[Placement | None], Dtype] | None = getattr(model, "precision", None)
    if say is not None:
        return say(placement)
    return placement.dtype if placement else None


def check_guidance(model: Description, guidance_scale: float, *prompts: str) -> None:
    """Refuse to prompt or to guide a model that knows no prompts.

    Raises:
        InvalidValueError: it knows none, and a prompt is not empty or the scale is not 1.
    """
    if guidance_of(model) != "none":
        return
    if any(prompts):
        raise InvalidValueError(
            f"{model.name} is unconditional: it knows no prompts.",
            hint="Leave prompts out; its attributes come from pairs of pictures.",
        )
    if guidance_scale != 1:
        raise InvalidValueError(
            f"{model.name} is unconditional: there is no prompt to guide it by.", hint="Leave the guidance scale out."
        )


def unknown_words_warning(model: Description, *prompts: str) -> list[str]:
    """One sentence that names the words the model has never seen, and those it knows; nothing if there are none."""
    unknown = dict.fromkeys(word for prompt in prompts for word in model.unknown_words(prompt))
    if not unknown:
        return []
    return [f"{model.name} does not know {', '.join(unknown)}; it knows: {', '.join(sorted(model.words or ()))}"]


def unread_of(model: Description, prompt: str) -> str:
    """The words at the end of a prompt that the model does not read; empty where it reads all, or does not say."""
    say: Callable[[str], str] | None = getattr(model, "unread", None)
    return "" if say is None else say(prompt)


def unread_warnings(model: Description, *prompts: str) -> list[str]:
    """One sentence for each prompt that is too long, with the words that the model does not read."""
    cut = dict.fromkeys(filter(None, (unread_of(model, prompt) for prompt in prompts)))
    return [f"the prompt is too long for {model.name}, which does not read: {words}" for words in cut]


class Sampler(Protocol):
    """The rule that takes a latent from one timestep to the next. It never sees the backbone.

    Attributes:
        name: as the user types it.
        stochastic: whether ``step`` wants noise.
    """

    name: str
    stochastic: bool

    def grid(self, steps: int, schedule: Schedule) -> Grid:
        """The (t, t_prev) pairs for ``steps`` steps, noisiest first, ending at t_prev = −1."""
        ...

    def step(
        self,
        x: Tensor,
        prediction: Prediction,
        t: int,
        t_prev: int,
        schedule: Schedule,
        noise: Tensor | None,
        state: Any,
    ) -> tuple[Tensor, Any]:
        """The latent at ``t_prev`` and the sampler's new state (None for one-step samplers).

        ``noise`` is standard normal with the shape of ``x``, or None if not ``stochastic``.
        ``state`` is what the last step returned, None at the start and after an edit or a branch.
        """
        ...


@runtime_checkable
class InvertibleSampler(Sampler, Protocol):
    """A sampler that can also go back, as editing a picture takes."""

    def invert(self, x_prev: Tensor, prediction: Prediction, t: int, t_prev: int, schedule: Schedule) -> Tensor:
        """The latent at ``t`` from which a step with this ε leads to ``x_prev``, all (B, C, H, W).

        Of the prediction only ``eps`` counts: its x0 belongs to the latent that it was made for.
        """
        ...


def require_invertible(sampler: Sampler) -> InvertibleSampler:
    """The sampler, if it can go back.

    Raises:
        InvalidValueError: it cannot.
    """
    if not isinstance(sampler, InvertibleSampler):
        raise InvalidValueError(
            f"The sampler {sampler.name} cannot be inverted, which editing a picture takes.",
            hint="Take --sampler ddim.",
        )
    return sampler


class Metric(Protocol):
    """A figure for what an edit did to a picture.

    A picture's figure is finite, also when nothing has changed, repeats itself, and depends on no other picture of
    the batch, so that an evaluation may cut its pictures into batches as it likes and average.
    """

    def __call__(self, before: Tensor, after: Tensor) -> Tensor:
        """The figures of pictures without and with the edit.

        Shapes:
            before, after: (B, 3, h, w) in [0, 1], float32, as the backbone decodes them.
            returns: (B,).
        """
        ...
