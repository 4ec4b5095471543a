"""The promises of a backbone."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from attrbank.diffusion.attention import Layer, guided_call
from attrbank.diffusion.forward_mode import kernels_for
from attrbank.diffusion.protocols import Backbone, Conditioning, Defaults, guidance_of
from attrbank.diffusion.schedule import Schedule
from attrbank.diffusion.spelling import check_spans, places_of
from attrbank.plugin.contracts.base import Contract, normal, require, require_close, require_finite


class BackboneContract(Contract):
    """Any backbone, whatever it predicts and however large."""

    def make(self) -> Backbone:
        """A new backbone to test, loaded as its registered target loads it."""
        raise NotImplementedError

    def test_it_says_what_it_is(self) -> None:
        """Everything that artifacts record and plans read."""
        model = self.subject
        require(bool(model.name), "it has no name")
        require(bool(re.fullmatch("[0-9a-f]{16,64}", model.fingerprint)), "the fingerprint is not 16 to 64 hex digits")
        require(len(model.latent_shape) == 3 and min(model.latent_shape) > 0, f"{model.latent_shape} is not (C, H, W)")
        require(bool(model.prediction_type), "it does not say what it predicts")
        require(isinstance(model.schedule, Schedule), "its schedule is not a Schedule")
        require(isinstance(model.defaults, Defaults), "its defaults are not Defaults")
        require(isinstance(model.unknown_words("a photo"), list), "unknown_words gives no list")

    def test_prompts_come_back_one_row_each(self) -> None:
        """The empty prompt, which guidance needs, is one like any other, and all that unconditional models know."""
        prompts = self._prompts()
        conditioning = self.subject.encode_prompts(prompts)
        require(bool(conditioning) or not any(prompts), "the conditioning is empty")
        for name, tensor in conditioning.items():
            require_finite(f"the conditioning {name!r}", tensor, (len(prompts), *tensor.shape[1:]))

    def test_noise_and_clean_latent_make_up_the_latent(self) -> None:
        """That is x = √ᾱ x̂0 + √(1−ᾱ) ε, whatever the network was trained to predict."""
        x, model = self._latents(), self.subject
        for t in self._timesteps():
            eps, x0 = model.predict(x, t, self._conditioning(len(x)))
            require_finite(f"ε at t = {t}", eps, tuple(x.shape))
            require_finite(f"x̂0 at t = {t}", x0, tuple(x.shape))
            alpha_bar = model.schedule.alpha_bar(t)
            require_close(f"x at t = {t}", alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * eps, x, 1e-3)

    def test_it_repeats_itself_and_leaves_its_arguments_alone(self) -> None:
        """Equal inputs give equal bits."""
        x = self._latents()
        copied, t = x.clone(), self._timesteps()[0]
        first, second = (self.subject.predict(x, t, self._conditioning(len(x))).eps for _ in range(2))
        require(torch.equal(first, second), "two predictions for the same latent differ")
        require(torch.equal(x, copied), "it changes the latent that it is given")

    def test_a_batch_is_its_rows(self) -> None:
        """No row knows of the others."""
        x, t = self._latents(), self._timesteps()[0]
        batch = self.subject.predict(x, t, self._conditioning(len(x))).eps
        rows = [self.subject.predict(x[row : row + 1], t, self._conditioning(1)).eps for row in range(len(x))]
        require_close("a batch and its rows", batch, torch.cat(rows), 1e-3)

    def test_predictions_can_be_differentiated(self) -> None:
        """Methods that follow the model's Jacobian need the gradient in the latent."""
        x = self._latents().requires_grad_()
        eps, _ = self.subject.predict(x, self._timesteps()[0], self._conditioning(len(x)))
        require(eps.requires_grad, "the prediction carries no gradient")
        (gradient,) = torch.autograd.grad(eps.square().sum(), x)
        require_finite("the gradient", gradient, tuple(x.shape))

    def test_a_derivative_can_come_along_with_a_prediction(self) -> None:
        """Forwards, with the plain kernel of attention, and it agrees with the one that goes backwards."""
        x, t = self._latents(), self._timesteps()[0]
        conditioning = self._conditioning(len(x))
        tangent, cotangent = normal(*x.shape, seed=1), normal(*x.shape, seed=2)

        def noise(x: Tensor) -> Tensor:
            with kernels_for(x):
                eps: Tensor = self.subject.predict(x, t, conditioning).eps
            return eps

        pushed = torch.func.jvp(noise, (x,), (tangent,))[1]
        require_finite("the tangent", pushed, tuple(x.shape))
        (pulled,) = torch.autograd.grad(noise(x.requires_grad_()), x, cotangent)
        forwards, backwards = (pushed * cotangent).sum(), (pulled * tangent).sum()
        tolerance = 1e-3 * float(pushed.norm() * cotangent.norm())
        require_close("forwards and backwards", forwards, backwards, tolerance)

    @torch.no_grad()
    def test_pictures_become_latents_and_latents_pictures(self) -> None:
        """Pictures are (B, 3, h, w) in [0, 1] on both ways."""
        latents = self._latents()
        pictures: Tensor = self.subject.decode(latents)
        require_finite("the decoded pictures", pictures, (len(latents), 3, *pictures.shape[2:]))
        stated = getattr(self.subject, "picture_size", None)
        require(stated in (None, tuple(pictures.shape[-2:])), f"it decodes pictures of another size than {stated}")
        require(float(pictures.min()) >= 0 and float(pictures.max()) <= 1, "decoded pictures leave [0, 1]")
        require_finite("the encoded latents", self.subject.encode(pictures), tuple(latents.shape))

    def test_words_stand_where_it_says(self) -> None:
        """Only of a backbone with ``token_spans``: what it makes of a word stands at the positions that spell it."""
        model = self.subject
        if not hasattr(model, "token_spans"):
            return
        prompt, other = "a photo of a person", "a photo of a photo"
        encoders = model.token_spans(prompt)
        require(bool(encoders), "it tells of no text encoder")
        require(len({one.encoder for one in encoders}) == len(encoders), "two text encoders have one name")
        here, there = (model.encode_prompts([text]) for text in (prompt, other))
        for encoder, tensor, (first, end), spans in encoders:
            require(tensor in here and here[tensor].dim() == 3, f"{tensor!a} is no (B, length, D) of its conditioning")
            length, width = here[tensor].shape[1:]
            require(len(spans) == length, f"it has {len(spans)} spans for the {length} positions of {encoder}")
            require(0 <= first < end <= width, f"the features of {encoder} leave those {width} that there are")
            complaint = check_spans(prompt, spans)
            require(complaint is None, f"{encoder}: {complaint}")
        for place in places_of(encoders, prompt, ("person",), "this promise"):
            at = (0, list(place.positions), slice(*place.columns))
            told = torch.equal(here[place.tensor][at], there[place.tensor][at])
            require(not told, f"what {place.encoder} makes of a word is not at its positions")

    def test_the_bottleneck_is_where_it_says(self) -> None:
        """Only of a backbone with ``features``: what is injected there is what it makes there, and it matters."""
        model, x, t = self.subject, self._latents(), self._timesteps()[0]
        if not hasattr(model, "features"):
            return
        conditioning, seen = self._conditioning(len(x)), list[tuple[Tensor, int]]()
        plain, features = model.predict(x, t, conditioning).eps, model.features(x, t, conditioning)
        require(features.dim() == 4, f"its features have the shape {tuple(features.shape)}, which is no (B, C, H, W)")
        require_finite("the features", features, (len(x), *features.shape[1:]))
        rows = [model.features(x[row : row + 1], t, self._conditioning(1)) for row in range(len(x))]
        require_close("the features of a batch and its rows", features, torch.cat(rows), 1e-3)

        def look(h: Tensor, timestep: int) -> Tensor:
            seen.append((h, timestep))
            return h

        looked = model.injecting(look).predict(x, t, conditioning).eps
        require(torch.equal(looked, plain), "features that stay as they are change the prediction")
        require(len(seen) == 1 and seen[0][1] == t, f"a change is not asked once, with the timestep {t}")
        require_close("what a change is given and the features", seen[0][0], features, 1e-5)
        changed = model.injecting(lambda h, _: h + h.std()).predict(x, t, conditioning).eps
        require(not torch.equal(changed, plain), "what is injected changes nothing")
        again = model.predict(x, t, conditioning).eps
        require(torch.equal(again, plain), "the model that a change was made of is changed, too")

    def test_its_attention_is_where_it_says(self) -> None:
        """Only of a backbone with ``attention``: what it shows is what it goes on from, in rows with the prompt."""
        model, x, t = self.subject, self._latents(), self._timesteps()[0]
        if not hasattr(model, "attention"):
            return
        conditioning, seen = self._conditioning(len(x)), dict[Layer, tuple[Tensor, int]]()
        plain, shown = model.predict(x, t, conditioning).eps, model.attention(x, t, conditioning)
        rows = [model.attention(x[row : row + 1], t, self._conditioning(1)) for row in range(len(x))]
        for layer, probabilities in shown.items():
            self._check_attention(layer, probabilities)
            together = torch.cat([row[layer] for row in rows])
            require_close(f"what {layer.name} makes of a batch and of its rows", probabilities, together, 1e-3)

        def look(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
            seen[layer] = probabilities, timestep
            return probabilities.clone()

        looked = model.attending(look).predict(x, t, conditioning).eps
        require(torch.equal(looked, plain), "attention that stays as it is changes the prediction")
        require(seen.keys() == shown.keys(), "a change is asked at other layers than those that are shown")
        for layer, (probabilities, timestep) in seen.items():
            require_close(f"what a change is given at {layer.name}", probabilities, shown[layer], 1e-5)
            require(timestep == t, f"a change is asked with the timestep {timestep} instead of {t}")
        first = next(iter(shown), None)
        others = model.attention(x, t, conditioning, lambda layer: layer != first)
        require(others.keys() == shown.keys() - {first}, "it shows layers that nobody wants, or not those that are")
        self._check_that_attention_matters(plain)

    def test_another_network_takes_the_place_of_its_own(self) -> None:
        """Only of a backbone with ``adapting``: what is made of its network denoises, and its own stays as it is."""
        model, x, t = self.subject, self._latents(), self._timesteps()[0]
        if not hasattr(model, "adapting"):
            return
        conditioning = self._conditioning(len(x))

        def said(model: Backbone) -> Tensor:
            eps: Tensor = model.predict(x, t, conditioning).eps
            return eps

        plain, doubled = said(model), model.adapting(lambda network: _times(network, 2.0))
        changed = said(doubled)
        require(not torch.equal(changed, plain), "another network in its place changes nothing")
        require(torch.equal(said(model), plain), "the model whose network was exchanged in another is changed, too")
        kept = model.adapting(lambda network: network)
        require(torch.equal(said(kept), plain), "a network that stays as it is changes the prediction")
        halved = doubled.adapting(lambda network: _times(network, 0.5))
        require(torch.equal(said(halved), plain), "a change of a change is not made of what the first has left")
        require(torch.equal(said(doubled), changed), "a change of a change is made of both")

    def _check_attention(self, layer: Layer, probabilities: Tensor) -> None:
        """Of two rows."""
        shape, (height, width) = tuple(probabilities.shape), layer.size
        require(probabilities.dim() == 4, f"the probabilities of {layer.name} have the shape {shape}, no (B, h, Q, K)")
        require_finite(f"the probabilities of {layer.name}", probabilities, (2, *shape[1:]))
        require(shape[2] == height * width, f"{layer.name} asks from {shape[2]} places, which are no {height}×{width}")
        require(layer.cross or shape[3] == shape[2], f"{layer.name} is said to look at the picture, and does not")
        sums = probabilities.sum(-1)
        require_close(f"the sums of the probabilities of {layer.name}", sums, torch.ones_like(sums), 1e-3)

    def _check_that_attention_matters(self, plain: Tensor) -> None:
        """That it does in rows with the prompt, not in those of guidance, and not in the model that was changed.

        Args:
            plain: ε of two rows as the model has it.
        """
        model, x, t, conditioning = self.subject, self._latents(), self._timesteps()[0], self._conditioning(2)
        given = list[int]()

        def even(probabilities: Tensor, layer: Layer, timestep: int) -> Tensor:
            given.append(len(probabilities))
            return torch.full_like(probabilities, 1 / probabilities.shape[-1])

        with guided_call(1):
            changed = model.attending(even).predict(x, t, conditioning).eps
        require(set(given) == {1}, "a change is given rows without the prompt")
        require_close("the row without the prompt", changed[0], plain[0], 1e-5)
        require(not torch.equal(changed[1], plain[1]), "what a change makes of attention changes nothing")
        again = model.predict(x, t, conditioning).eps
        require(torch.equal(again, plain), "the model whose attention was changed in another is changed, too")

    def _latents(self) -> Tensor:
        return normal(2, *self.subject.latent_shape)

    def _timesteps(self) -> tuple[int, ...]:
        total = self.subject.schedule.train_timesteps
        return total // 2, total // 10

    def _prompts(self) -> tuple[str, str]:
        return ("", "") if guidance_of(self.subject) == "none" else ("a photo of a person", "")

    def _conditioning(self, rows: int) -> Conditioning:
        conditioning: Conditioning = self.subject.encode_prompts([self._prompts()[0]] * rows)
        return conditioning


def _times(network: nn.Module, factor: float) -> nn.Module:
    """The network with other weights in the place of its own."""
    for module in network.modules():
        for name, weight in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(factor * weight.detach(), requires_grad=False))
    return network
