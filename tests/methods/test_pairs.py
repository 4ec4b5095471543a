"""What is learned from: every seed once, under the pair that it was dealt."""

from __future__ import annotations

import torch

from attrbank.methods.pairs import predict_clean_pairs
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
