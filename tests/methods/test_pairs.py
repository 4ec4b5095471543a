"""What is learned from: every seed once, under the pair that it was dealt; and nothing that teaches nothing."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.errors import InvalidValueError
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.methods.avi import Avi
from attrbank.methods.pairs import LEAST_CHANGE, CleanPairs, change_of, predict_clean_pairs
from attrbank.samplers.ddim import DDIM
from tests.methods.conftest import SOURCES, TARGETS


def test_every_seed_is_run_under_one_pair_of_prompts(overheard) -> None:
    """Shown the same seeds, many pairs would teach no more people than one does."""
    _, context = overheard
    run, seeds = context.trajectory, context.spec.seeds

    def predicted(prompt: str, share: tuple[int, ...]) -> torch.Tensor:
        conditioning = run.backbone.encode_prompts([prompt])
        return run.predict(run.run(run.start(share), conditioning, context.index_z), conditioning).x0

    found = predict_clean_pairs(context)
    for side, prompts in ((found.source, SOURCES), (found.target, TARGETS)):
        expected = [predicted(prompt, seeds[number :: len(prompts)]) for number, prompt in enumerate(prompts)]
        torch.testing.assert_close(side, torch.cat(expected), atol=1e-4, rtol=1e-4)


def test_a_change_is_measured_in_what_tells_pictures_apart() -> None:
    source = torch.randn(8, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    step = torch.zeros_like(source)
    step[:3] = 0.5  # three pictures of eight change, so that the upper quartile lies among them
    assert change_of(CleanPairs(source, source + step)) == pytest.approx(0.5, rel=0.05)
    assert change_of(CleanPairs(40 * source + 7, 40 * (source + step) + 7)) == pytest.approx(0.5, rel=0.05)
    step[1:3] = 0  # one that tips over is none
    assert change_of(CleanPairs(source, source + step)) < 0.01
    assert change_of(CleanPairs(torch.ones(1, 4, 8, 8), torch.zeros(1, 4, 8, 8))) > 1  # nothing tells them apart


METHODS = {
    "difference": {},
    "paper": {"vectors": "paper"},
    "the paper's network": {"vectors": "paper", "solver": "mlp", "samples": 8},
}


class Dull:
    """A backbone to which every prompt says nearly the same as the empty one."""

    def __init__(self, backbone, share: float) -> None:
        self._backbone, self._share = backbone, share

    def __getattr__(self, name: str):
        return getattr(self._backbone, name)

    def encode_prompts(self, prompts):
        told, empty = (self._backbone.encode_prompts(texts) for texts in (prompts, [""] * len(prompts)))
        return {name: torch.lerp(empty[name], told[name], self._share) for name in told}


def learned_dully(backbone, options, *, share: float = 0.1, **how) -> LearnedAttribute:
    asked = {"seeds": (0, 1, 2), "steps": 5, "guidance_scale": 1.0, **options}
    spec, dull = learn_spec("old", SOURCES[:1], TARGETS[:1], **asked), Dull(backbone, share)
    return learn_attribute(complete(spec, dull), Avi(), dull, DDIM(), **how)


@pytest.mark.parametrize("options", METHODS.values(), ids=METHODS)
def test_prompts_that_change_next_to_nothing_are_refused_unless_forced(options, backbone) -> None:
    with pytest.raises(InvalidValueError, match=r"almost the same pictures, [\d.]+ % of what tells") as refused:
        learned_dully(backbone, options)
    assert "--force" in refused.value.hint
    warnings: list[str] = []
    forced = learned_dully(backbone, options, force=True, on_warning=warnings.append)
    assert forced.tensors
    (warning,) = warnings
    assert "will hardly show" in warning


def test_prompts_that_change_nothing_teach_no_difference_even_if_forced(backbone) -> None:
    with pytest.raises(InvalidValueError, match="no difference to learn") as refused:
        learned_dully(backbone, METHODS["difference"], share=0.0, force=True)
    assert "--force" not in refused.value.hint


@pytest.mark.parametrize("options", [METHODS["paper"], METHODS["the paper's network"]])
def test_of_prompts_that_change_nothing_the_papers_vectors_are_learned_if_forced(options, backbone) -> None:
    """As its placebo is (lab/figures/placebo.py)."""
    with pytest.raises(InvalidValueError, match="no difference to learn") as refused:
        learned_dully(backbone, options, share=0.0)
    assert "--force" in refused.value.hint
    assert learned_dully(backbone, options, share=0.0, force=True, on_warning=lambda told: None).tensors


def test_pictures_that_differ_by_next_to_nothing_are_refused_as_well(overheard) -> None:
    _, context = overheard
    source = torch.randn(2, *context.trajectory.backbone.latent_shape, generator=torch.Generator().manual_seed(0))
    for share, is_refused in ((LEAST_CHANGE / 2, True), (LEAST_CHANGE * 2, False)):
        shown = replace(context, clean=(source, source + share * source.flip(0)))
        with pytest.raises(InvalidValueError) if is_refused else nullcontext():
            predict_clean_pairs(shown)
