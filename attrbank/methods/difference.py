"""Attributes as vectors of the difference between two prompts' clean latents (METHOD section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from attrbank.avi.difference import (
    DifferenceVectors,
    add_difference,
    difference_from,
    least_squares_cores,
    mean_vectors,
    predicted_difference,
    shared_vectors,
    unit,
)
from attrbank.avi.fit import fit_cores
from attrbank.avi.network import CoreNet
from attrbank.errors import CorruptArtifactError
from attrbank.methods.pairs import predict_clean_pairs
from attrbank.methods.protocol import Edit, EditInputs, LearnContext, Learned
from attrbank.schema import AttributeRecord, Core

SHARED_RANK = 8
MARGIN = 0.02
"""Φ must explain this much more variance than the mean: its training steps were chosen on the folds that judge it."""

_PHI = "mlp.phi."


def learn(context: LearnContext) -> Learned:
    """Steps 1 to 4: the mean's vectors, and shared vectors with a Φ that predicts their core."""
    spec, trajectory = context.spec, context.trajectory
    source, target = predict_clean_pairs(context)
    differences = predicted_difference(source, target, trajectory.alpha_bar(context.index_x))
    vectors, core = mean_vectors(differences, min(spec.rank, *differences.shape[-2:]))
    shared = shared_vectors(differences, min(SHARED_RANK, *differences.shape[-2:]))
    network, report = fit_cores(
        source,
        differences,
        shared,
        generator=torch.Generator().manual_seed(spec.seeds[0]),
        on_step=lambda done, total: context.on_progress("fitting", done, total),
    )
    with torch.no_grad():
        predicted = difference_from(shared, network(source))
    units = {"mean": unit(differences, difference_from(vectors, core)), "mlp": unit(differences, predicted)}
    if spec.pairs:
        units["own"] = 1.0  # a picture's own difference takes prompts
    return Learned(
        tensors={
            **_named("mean", vectors),
            "mean.core": core.diagonal(dim1=-2, dim2=-1),
            **_named("mlp", shared),
            **{f"{_PHI}{name}": tensor for name, tensor in network.tensors().items()},
        },
        fields={
            "core": spec.core or ("mlp" if report.net > report.mean + MARGIN else "mean"),
            "rank": vectors.u.shape[-1],
            "units": units,
            "measured": {"explained_variance_mlp": report.net, "explained_variance_mean": report.mean},
        },
    )


def _named(prefix: str, vectors: DifferenceVectors) -> dict[str, Tensor]:
    return {f"{prefix}.u": vectors.u, f"{prefix}.vh": vectors.vh}


def edit(record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core) -> Edit:
    """Step 3 with the core from one of its three places.

    Raises:
        CorruptArtifactError: a tensor is missing.
    """
    try:
        prefix = "mean" if core == "mean" else "mlp"
        vectors = DifferenceVectors(tensors[f"{prefix}.u"], tensors[f"{prefix}.vh"])
        size = record.units[core]
        if core == "mean":
            return MeanEdit(size * difference_from(vectors, torch.diag_embed(tensors["mean.core"])))
        if core == "own":
            return OwnEdit(vectors, record)
        stored = {name.removeprefix(_PHI): t for name, t in tensors.items() if name.startswith(_PHI)}
        return PredictedEdit(vectors, CoreNet.from_tensors(stored), size)
    except (KeyError, RuntimeError) as error:
        raise CorruptArtifactError(f"The tensors of {record.name} do not make a core {core!r}: {error}.") from error


@dataclass(frozen=True, eq=False)
class MeanEdit:
    """Adds the banked mean difference (C, H, W); needs nothing else."""

    difference: Tensor

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · unit · U_d K V_d."""
        return add_difference(x, self.difference, strength)


@dataclass(frozen=True, eq=False)
class PredictedEdit:
    """Adds the difference whose core Φ predicts from the unedited picture."""

    vectors: DifferenceVectors
    network: CoreNet
    unit: float

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · unit · U_d Φ(x̂0) V_d."""
        with torch.no_grad():
            core = self.network(inputs.clean())
        return add_difference(x, self.unit * difference_from(self.vectors, core), strength)


@dataclass(frozen=True, eq=False)
class OwnEdit:
    """Adds this picture's own difference, seen through the shared vectors."""

    vectors: DifferenceVectors
    record: AttributeRecord

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · U_d (U_dᵀ d V_dᵀ) V_d, with d from two more trajectories to T_z."""
        pair, t_z = self.record.pairs[0], self.record.t_x + self.record.delta_tau
        source, target = inputs.clean_latent(pair.source, t_z), inputs.clean_latent(pair.target, t_z)
        own = predicted_difference(source, target, inputs.alpha_bar)
        return add_difference(x, difference_from(self.vectors, least_squares_cores(own, self.vectors)), strength)
