"""Attribute vector integration: binds the mathematics of ``attrbank.avi`` to learning and editing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrbank.errors import CorruptArtifactError, InvalidValueError
from attrbank.methods.moving import moved_at_once, moved_on_the_way
from attrbank.methods.needs import Needs, OtherRun
from attrbank.methods.protocol import Method
from attrbank.methods.strengths import Strengths
from attrbank.methods.turns import pair_of
from attrbank.names import When
from attrbank.schema.asked import LearnSpec, PaperOptions
from attrbank.schema.choices import ON_THE_WAY, Core, Preset
from attrbank.schema.fields import Part
from attrbank.schema.stored import AttributeRecord

if TYPE_CHECKING:  # a plan asks a method what it needs, without torch
    from numpy.typing import NDArray
    from torch import Tensor

    from attrbank.diffusion.protocols import Description
    from attrbank.diffusion.schedule import Schedule
    from attrbank.methods.protocol import Edit, LearnContext, Learned

_OPTIONS_OF = {"difference": frozenset({"branch", "core", "rank"}), "paper": frozenset(PaperOptions.model_fields)}
_TIMES_OF = {"difference": (0.4, -0.2), "paper": (0.8, -0.3)}


class Avi(Method):
    """Vectors of the difference (the default), or the paper's."""

    name = "avi"
    options = frozenset({"pictures", "vectors"}).union(*_OPTIONS_OF.values())

    def learn(self, context: LearnContext) -> Learned:
        """Learn with the vectors that the spec asks for."""
        from attrbank.methods import difference, paper

        learn = paper.learn if context.spec.vectors == "paper" else difference.learn
        return learn(context)

    def edit(self, record: AttributeRecord, tensors: Mapping[str, Tensor], core: Core | None = None) -> Edit:
        """Make a stored attribute ready."""
        from attrbank.methods import difference, paper

        if record.vectors == "paper":
            return paper.PaperEdit(record, tensors)
        return difference.edit(record, tensors, core or record.core or "mean")

    def needs(self, record: AttributeRecord, core: Core | None, strength: float) -> Needs:
        """Other runs to T_z for the picture's own z or difference; a look at it where Φ is asked."""
        t_z = max(0.0, record.t_z)
        if record.paper is not None and record.paper.z == "own":
            return Needs(runs=(OtherRun(t_z),))
        if core == "live":
            return Needs(rows=2 * len(record.times) if strength else 0)
        if core == "path":
            times, pairs = len(record.times), record.pairs
            return Needs(towards=tuple(pair_of(pairs, turn, times).source for turn in range(times) if strength))
        if core == "own":
            return Needs(runs=(OtherRun(t_z, predicted=True),) * 2)
        # The convolutional Φ knows what to add, and is not asked what to take away.
        return Needs(looks=core == "mlp" or (core == "conv" and strength >= 0))

    def times(self, record: AttributeRecord, core: Core | None) -> tuple[float, ...]:
        """Several for a core that acts little by little."""
        return record.times if core in ON_THE_WAY else super().times(record, core)

    def moved(self, record: AttributeRecord, core: Core | None, when: When, schedule: Schedule) -> AttributeRecord:
        """A difference can be added at any time; a core that acts on the way begins there, and ends where it did."""
        if record.vectors == "paper":
            complaint = f"{record.name} has the paper's vectors, which act at the time that they were learned at."
            raise InvalidValueError(complaint, f"Write {record.name} without @{when}.")
        return (moved_on_the_way if core in ON_THE_WAY else moved_at_once)(record, when, schedule)

    def parts(self, record: AttributeRecord, core: Core | None) -> tuple[Part, ...]:
        """The text encoder as well, where an edit runs prompts of its own."""
        needs = self.needs(record, core, 1.0)
        return (*super().parts(record, core), *(("text",) if needs.runs or needs.rows or needs.towards else ()))

    def direction(self, record: AttributeRecord, arrays: Mapping[str, NDArray[Any]]) -> NDArray[Any] | None:
        """The mean difference (C, H, W), banked whatever core acts; the paper's vectors graft, and have none."""
        if record.vectors == "paper" or "mean" not in record.units:
            return None
        u, core, vh = (arrays[f"mean.{name}"].astype("f8") for name in ("u", "core", "vh"))
        if (*u.shape[:2], vh.shape[2]) != record.backbone.latent_shape:  # small factors could make a large product
            raise CorruptArtifactError(f"The difference of {record.name} is not of the shape of its latents.")
        difference: NDArray[Any] = (u * core[:, None]) @ vh
        return record.units["mean"] * difference

    def strengths(self, record: AttributeRecord) -> Strengths:
        """The paper's ρ mixes, and so lies in [0, 1]."""
        if record.vectors != "paper":
            return Strengths()
        return Strengths(0, 1, "the paper's vectors", "Difference vectors, the default of learn, take any strength.")

    def cores(self, record: AttributeRecord) -> tuple[Core, ...]:
        """Those whose full effect was measured."""
        return tuple(record.units)

    def core_without_network(self, record: AttributeRecord) -> Core | None:
        """The mean, whatever core the attribute prefers, unless it acts on the way, because its mean is none.

        What goes the picture's own way looks at the unedited picture all the while, which a pipeline does not draw: it
        adds the picture's own difference there.
        """
        if record.core in ON_THE_WAY:
            return "live" if "live" in record.units else record.core
        return "mean" if "mean" in record.units else record.core

    def settings(self, given: Mapping[str, Any], *, pairs: int, pictures: int, preset: Preset | None) -> dict[str, Any]:
        """What suits the vectors that are asked for; the preset is docs/method.md 2.5 but for the width of Φ."""
        vectors = str(given.get("vectors", preset or "difference"))
        if str(given.get("core")) == "distil":
            raise InvalidValueError("Vectors have no core 'distil'.", hint="Text directions have: --method text.")
        _refuse_options_of_the_other(vectors, preset, given)
        if pictures:
            _refuse_options_of_prompts(vectors, given)
        t_x, delta_tau = _TIMES_OF.get(vectors, _TIMES_OF["difference"])
        fields: dict[str, Any] = {"vectors": vectors, "t_x": t_x, "delta_tau": delta_tau}
        if preset:
            fields |= {"seeds": tuple(range(pairs)), "solver": "mlp", "samples": 500 if pairs > 5 else 5000}
        fields |= given
        paper = {option: fields.pop(option) for option in _OPTIONS_OF["paper"] & fields.keys()}
        return fields | ({"paper": PaperOptions(**paper)} if paper else {})

    def fitted(self, spec: LearnSpec, model: Description, preset: Preset) -> LearnSpec:
        """Φ as wide as the paper's, which follows the latent's shape."""
        return spec.model_copy(update={"paper": spec.paper.model_copy(update={"width": _paper_width(model)})})

    def check(self, spec: LearnSpec, model: Description) -> None:
        """A difference has no more ranks than the latent's smaller side."""
        largest = min(model.latent_shape[1:])
        if spec.rank > largest and spec.vectors != "paper":
            raise InvalidValueError(
                f"The rank is {spec.rank}, but latents of {model.name} have ranks from 1 to {largest}.",
                hint="Try --rank 4.",
            )

    def warnings(self, spec: LearnSpec, model: Description) -> Sequence[str]:
        """What the paper's network takes."""
        if spec.vectors != "paper" or spec.paper.solver != "mlp" or spec.paper.width != _paper_width(model):
            return ()
        width = spec.paper.width
        megabytes = (3 * width + 2 * min(model.latent_shape[1:])) * width * 2 / 1e6  # stored in half precision
        return (f"the paper's network is {width} wide: {megabytes:.0f} MB in the bank, and some minutes of training",)

    def require_tunable(self, asked: LearnSpec | AttributeRecord) -> None:
        """Differences can be added at another time, and at any strength."""
        if asked.vectors == "paper":
            raise InvalidValueError("Only difference vectors can be tuned.", hint="Leave --tune out.")


def _paper_width(model: Description) -> int:
    from attrbank.avi.network import paper_width

    return paper_width(*model.latent_shape[1:])


def _refuse_options_of_the_other(vectors: str, preset: Preset | None, given: Mapping[str, Any]) -> None:
    if preset and vectors != preset:
        hint = f"Leave out --preset, or --vectors {vectors}."
        raise InvalidValueError(f"The preset {preset!r} and {vectors} vectors exclude each other.", hint)
    for kind, options in _OPTIONS_OF.items():
        misplaced = sorted(options & given.keys())
        if kind != vectors and misplaced:
            raise InvalidValueError(
                f"{', '.join(misplaced)}: only for {kind} vectors, not for {vectors} ones.",
                hint=f"Add --vectors {kind}, or leave the option out.",
            )


def _refuse_options_of_prompts(vectors: str, given: Mapping[str, Any]) -> None:
    if vectors != "difference":
        hint = "Give --source and --target, or leave --vectors out."
        raise InvalidValueError(f"{vectors.capitalize()} vectors are learned from prompts, not from pictures.", hint)
    if given.get("core") in {"own", *ON_THE_WAY}:
        complaint = f"The core {given['core']!r} takes prompts, which an attribute learned from pictures does not have."
        raise InvalidValueError(complaint, hint="Leave --core out.")
