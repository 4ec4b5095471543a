"""Attributes as vectors of the difference between two prompts' clean latents (docs/method.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from attrbank.avi.difference_net import DifferenceNet
from attrbank.avi.fit import CoreReport, fit_cores
from attrbank.avi.fit_difference import fit_differences
from attrbank.avi.network import CoreNet
from attrbank.errors import CorruptArtifactError, InvalidValueError
from attrbank.methods import live, path
from attrbank.methods.inputs import EditInputs
from attrbank.methods.pairs import predict_seen_pairs
from attrbank.methods.protocol import Edit, LearnContext, Learned
from attrbank.methods.trial import FEWEST_STEPS, Trial
from attrbank.schema.choices import ON_THE_WAY, Core
from attrbank.schema.stored import AttributeRecord

SHARED_RANK = 8
CLEARLY_BETTER = 1.25
"""What is banked acts where it lies along the yardstick so much better than the picture's own way does. Where it lies
there as well, the eye still disagrees: three times the flips, and most of the pictures damaged (docs/notes.md)."""
MARGIN = 0.02
"""Φ must explain this much more variance than the mean: its training steps were chosen on the folds that judge it."""

_BANKED: tuple[Core, ...] = ("mean", "mlp", "conv")
_CORE_NET, _DIFFERENCE_NET = "mlp.phi.", "conv.phi."


def learn(context: LearnContext) -> Learned:
    """Steps 1 to 4: the mean's vectors, shared vectors with a Φ that predicts their core, and a convolutional Φ."""
    spec, trajectory = context.spec, context.trajectory
    clean, views = predict_seen_pairs(context)
    differences = predicted_difference(*clean, trajectory.alpha_bar(context.index_x))
    vectors, core = mean_vectors(differences, spec.rank)
    mean = difference_from(vectors, core)
    mlp, report = _fit_mlp(context, views[0], differences)
    conv, beyond = _fit_conv(context, views, differences, mean)
    units: dict[Core, float] = {"mean": unit(differences, mean), "mlp": mlp.unit, "conv": conv.unit}
    if spec.pairs:
        units["own"] = 1.0  # a picture's own difference takes prompts
    tensors = {
        **_named("mean", vectors),
        "mean.core": core.diagonal(dim1=-2, dim2=-1),
        **mlp.tensors,
        **conv.tensors,
    }
    # The convolutional Φ was measured beside a mean of fewer seeds: it leaves 1 − beyond of what that mean leaves.
    explained: dict[Core, float] = {
        "mean": report.mean,
        "mlp": report.net,
        "conv": 1 - (1 - report.mean) * (1 - beyond),
    }
    best = max(_BANKED, key=lambda name: explained[name] + (MARGIN if name == "mean" else 0.0))
    fields = {
        "vectors": "difference",
        "core": spec.core or best,
        "rank": vectors.u.shape[-1],
        "units": units,
        "measured": {f"explained_variance_{name}": share for name, share in explained.items()},
    }
    if spec.core in ON_THE_WAY or (spec.core is None and spec.pairs and spec.steps >= FEWEST_STEPS):
        fields |= _on_the_way_or_banked(context, fields, _edit(units, tensors, best))
    return Learned(tensors, fields, of_all_change(fields))


def of_all_change(fields: Mapping[str, Any]) -> float | None:
    """The share of all that the prompts change which the core explains; None for ``own``, which explains by definition.

    The mean d̄ of the differences dⁿ explains nothing of the variance about it, however much they have in common. Of all
    change it explains ‖d̄‖² / mean ‖dⁿ‖², which is 1 / unit² (docs/method.md 5.4), and a core its share of the rest.
    """
    core, measured = fields["core"], fields["measured"]
    if core in ON_THE_WAY:
        return float(max(0.0, measured[f"along_{core}"]) ** 2)
    beyond = measured.get(f"explained_variance_{core}")
    return None if beyond is None else float(1 - (1 - beyond) * (1 - fields["units"]["mean"] ** -2))


def _on_the_way_or_banked(context: LearnContext, fields: Mapping[str, Any], banked: Edit) -> dict[str, Any]:
    """Fields of the record that change: few if what is banked does clearly better than this picture's own way.

    Both are measured by what they change in finished pictures, and how much of it is what the target prompt changes.
    """
    trial, core = Trial(context), context.spec.core or "path"
    found = (live if core == "live" else path).fit(context, trial)
    rival = trial.once(banked, context.spec.t_x)
    measured = {**fields["measured"], f"along_{core}": found.along, "along_banked": rival.along}
    if context.spec.core is None and rival.along >= CLEARLY_BETTER * max(0.0, found.along):
        return {"measured": measured}
    measured |= found.measured
    return {
        **found.fields,
        "core": core,
        "units": {**fields["units"], **found.fields["units"]},
        "measured": measured,
    }


@dataclass(frozen=True)
class _Fitted:
    """A Φ, ready to be stored."""

    tensors: Mapping[str, Tensor]
    unit: float


def _fit_mlp(context: LearnContext, x0: Tensor, differences: Tensor) -> tuple[_Fitted, CoreReport]:
    shared = shared_vectors(differences, min(SHARED_RANK, *differences.shape[-2:]))
    network, report = fit_cores(
        x0,
        differences,
        shared,
        generator=torch.Generator().manual_seed(context.spec.seeds[0]),
        on_step=lambda done, total: context.on_progress("fitting", done, total),
    )
    with torch.no_grad():
        predicted = difference_from(shared, network(x0))
    tensors = {**_named("mlp", shared), **_prefixed(_CORE_NET, network.tensors())}
    return _Fitted(tensors, unit(differences, predicted)), report


def _fit_conv(context: LearnContext, views: Tensor, differences: Tensor, mean: Tensor) -> tuple[_Fitted, float]:
    network, beyond = fit_differences(
        views,
        differences,
        mean,
        generator=torch.Generator().manual_seed(context.spec.seeds[0]),
        on_step=lambda done, total: context.on_progress("fitting the convolutional network", done, total),
    )
    with torch.no_grad():
        predicted = mean + network(views[0])
    return _Fitted(_prefixed(_DIFFERENCE_NET, network.tensors()), unit(differences, predicted)), beyond


def _named(prefix: str, vectors: DifferenceVectors) -> dict[str, Tensor]:
    return {f"{prefix}.u": vectors.u, f"{prefix}.vh": vectors.vh}


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def edit(record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core) -> Edit:
    """Step 3 with the difference from one of its four places.

    Raises:
        CorruptArtifactError: a tensor is missing.
        InvalidValueError: this attribute has no such core.
    """
    if core not in record.units:
        known = ", ".join(record.units)
        raise InvalidValueError(f"{record.name} has no core {core!r}.", hint=f"It has {known}.")
    if core == "live":
        return live.live_edit(record)
    if core == "path":
        return path.path_edit(record)
    try:
        return OwnEdit(_vectors("mlp", tensors), record) if core == "own" else _edit(record.units, tensors, core)
    except (KeyError, RuntimeError) as error:
        raise CorruptArtifactError(f"The tensors of {record.name} do not make a core {core!r}: {error}.") from error


def _edit(units: Mapping[Core, float], tensors: Mapping[str, Tensor], core: Core) -> Edit:
    """The edit of what is banked."""
    size = units[core]
    if core in ("mean", "conv"):
        mean = difference_from(_vectors("mean", tensors), torch.diag_embed(tensors["mean.core"]))
        if core == "mean":
            return MeanEdit(size * mean)
        network = DifferenceNet.from_tensors(_below(_DIFFERENCE_NET, tensors))
        return PredictedEdit(mean, network, size, MeanEdit(units["mean"] * mean))
    return PredictedCoreEdit(_vectors("mlp", tensors), CoreNet.from_tensors(_below(_CORE_NET, tensors)), size)


def _vectors(prefix: str, tensors: Mapping[str, Tensor]) -> DifferenceVectors:
    return DifferenceVectors(tensors[f"{prefix}.u"], tensors[f"{prefix}.vh"])


@dataclass(frozen=True, eq=False)
class MeanEdit:
    """Adds the banked mean difference (C, H, W); needs nothing else."""

    difference: Tensor

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · unit · U_d K V_d."""
        return add_difference(x, self.difference, strength)


@dataclass(frozen=True, eq=False)
class PredictedCoreEdit:
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
class PredictedEdit:
    """Adds the mean difference (C, H, W) and what Φ predicts that this picture's has beyond it.

    Φ knows pictures that lack the attribute, and adds next to nothing to those that have it. So it has nothing to take
    away either, and negative strengths are left to the mean alone.
    """

    mean: Tensor
    network: DifferenceNet
    unit: float
    backwards: MeanEdit

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Add s · unit · (U_d K V_d + Φ(x̂0)), or the mean's if s < 0."""
        if strength < 0:
            return self.backwards(x, inputs, strength)
        with torch.no_grad():
            beyond = self.network(inputs.clean())
        return add_difference(x, self.unit * (self.mean + beyond), strength)


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
