"""What is recorded of each core, against what it does where the attribute acts."""

from __future__ import annotations

import pytest
import torch

from attrbank.avi.difference import difference_from, mean_vectors, predicted_difference
from attrbank.avi.fit_difference import fit_differences
from attrbank.avi.objective import squared_norm
from attrbank.methods.avi import Avi
from attrbank.methods.pairs import predict_seen_pairs


@pytest.fixture(scope="module")
def seen(overheard):
    """The views (K, M, C, H, W) of the pictures learned from, their differences (M, C, H, W), and the mean's."""
    _, context = overheard
    clean, views = predict_seen_pairs(context)
    differences = predicted_difference(*clean, context.trajectory.alpha_bar(context.index_x))
    return views, differences, difference_from(*mean_vectors(differences, context.spec.rank))


@pytest.mark.parametrize("core", ["mean", "mlp", "conv"])
def test_strength_1_has_the_size_of_the_differences_on_the_pictures_as_they_are_at_t_x(core, overheard, seen) -> None:
    attribute, _ = overheard
    views, differences, _ = seen

    class Inputs:
        def clean(self) -> torch.Tensor:
            return views[0]

    edit = Avi().edit(attribute.record, attribute.tensors, core)
    added = edit(torch.zeros_like(differences), Inputs(), 1.0)
    # A network of so short a training answers much the same to every view, hence the narrow tolerance.
    assert squared_norm(added).sum().item() == pytest.approx(squared_norm(differences).sum().item(), rel=1e-5)


def test_what_the_convolutional_network_explains_is_a_share_of_what_the_mean_leaves(overheard, seen) -> None:
    attribute, context = overheard
    generator = torch.Generator().manual_seed(context.spec.seeds[0])
    _, beyond = fit_differences(*seen, generator=generator, on_step=lambda done, total: None)
    explained = {core: attribute.record.measured[f"explained_variance_{core}"] for core in ("mean", "conv")}
    assert abs(explained["mean"] * beyond) > 1e-4  # else their sum would be as right
    assert 1 - explained["conv"] == pytest.approx((1 - explained["mean"]) * (1 - beyond), rel=1e-4)
