"""Attributes as the paper has them: singular vectors of a target latent, grafted onto the tail of x."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from attrbank.avi.exact import solve
from attrbank.avi.factors import factorise
from attrbank.avi.fit import fit_singular_values, renoised_pairs
from attrbank.avi.integrate import apply_edit, blend_weights, head_size, integrate
from attrbank.avi.network import COMPACT_WIDTH, SingularValueNet
from attrbank.avi.objective import pose
from attrbank.errors import CorruptArtifactError, IncompatibleError
from attrbank.methods.inputs import EditInputs
from attrbank.methods.pairs import CleanPairs, counted, dealt, predict_clean_pairs, require_change
from attrbank.methods.protocol import LearnContext, Learned
from attrbank.schema.stored import AttributeRecord

_PHI = "phi."


def learn(context: LearnContext) -> Learned:
    """Bank the first seed's z; with ``solver="mlp"`` also train Φ on re-noised samples of every pair.

    Raises:
        InvalidValueError: there is next to nothing to learn, and ``context.force`` is off.
    """
    options, trajectory = context.spec.paper, context.trajectory
    k = head_size(min(trajectory.backbone.latent_shape[-2:]), options.k)
    trains = options.solver == "mlp"
    tensors: dict[str, Tensor] = {"z": _first_z(context, checked=not trains)}  # else all pairs are, which is enough
    measured: dict[str, float] = {}
    if trains:
        network, measured = _train(context, k)
        tensors |= {f"{_PHI}{name}": tensor for name, tensor in network.tensors().items()}
    return Learned(tensors, {"vectors": "paper", "paper": options.model_copy(update={"k": k}), "measured": measured})


def _first_z(context: LearnContext, *, checked: bool) -> Tensor:
    """The first seed's latent (C, H, W) at T_z under the first target prompt; checked, it differs from its source's."""
    trajectory = context.trajectory
    pair, seeds = next(dealt(context))
    prompts = [trajectory.backbone.encode_prompts([prompt]) for prompt in (pair.source, pair.target)]
    start, on_step = trajectory.start(seeds[:1]), counted(context, (1 + checked) * context.index_z)
    target = trajectory.run(start, prompts[1], context.index_z, on_step)
    if checked:
        source = trajectory.run(start, prompts[0], context.index_z, on_step)
        ends = zip((source, target), prompts, strict=True)
        require_change(context, CleanPairs(*(trajectory.predict(end, prompt).x0 for end, prompt in ends)))
    return target.latent[0]


def _train(context: LearnContext, k: int) -> tuple[SingularValueNet, dict[str, float]]:
    spec, trajectory = context.spec, context.trajectory
    generator = torch.Generator().manual_seed(spec.seeds[0])
    clean = predict_clean_pairs(context)
    drawn = [
        renoised_pairs(
            source[None],
            target[None],
            alpha_bar_x=trajectory.alpha_bar(context.index_x),
            alpha_bar_z=trajectory.alpha_bar(context.index_z),
            n=spec.paper.samples,
            generator=generator,
        )
        for source, target in zip(*clean, strict=True)
    ]
    x, z = (torch.cat(side) for side in zip(*drawn, strict=True))
    order = torch.randperm(len(x), generator=generator)
    network = SingularValueNet.untrained(trajectory.backbone.latent_shape, generator, spec.paper.width or COMPACT_WIDTH)
    report = fit_singular_values(
        network,
        x[order],
        z[order],
        k=k,
        tail=spec.paper.tail,
        generator=generator,
        on_step=lambda done, total: context.on_progress("fitting", done, total),
    )
    return network, report._asdict()


class PaperEdit:
    """Algorithm 1 at inference.

    Raises:
        CorruptArtifactError: z is missing.
        IncompatibleError: the record has no options for the paper's vectors.
    """

    def __init__(self, record: AttributeRecord, tensors: Mapping[str, Tensor]) -> None:
        if record.paper is None:
            raise IncompatibleError(f"The attribute {record.name} does not say how the paper's vectors are to be used.")
        if "z" not in tensors:
            raise CorruptArtifactError(f"The attribute {record.name} lacks its target latent.")
        self.record, self.options = record, record.paper
        self.banked_z = tensors["z"][None]
        phi = {name.removeprefix(_PHI): t for name, t in tensors.items() if name.startswith(_PHI)}
        self.network = SingularValueNet.from_tensors(phi) if self.options.solver == "mlp" else None

    def __call__(self, x: Tensor, inputs: EditInputs, strength: float) -> Tensor:
        """Graft with ρ = strength, in [0, 1]."""
        options, z = self.options, self._z(inputs)
        factors = factorise(x)
        u_hat, vh_hat = integrate(factors, factorise(z), options.k, strength, options.tail)
        s, delta_s = self._weights(x, z)
        return apply_edit(x, factors, u_hat, blend_weights(options.weights, factors.s, s, delta_s, strength), vh_hat)

    def _z(self, inputs: EditInputs) -> Tensor:
        if self.options.z == "banked":
            return self.banked_z
        t_z = self.record.t_x + self.record.delta_tau
        return inputs.latent(self.record.pairs[0].target, t_z)

    def _weights(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        if self.network is None:
            return solve(pose(x, z, self.options.k, self.options.tail))
        with torch.no_grad():
            s, delta_s = self.network(x)
        return s, delta_s
