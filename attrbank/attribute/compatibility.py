"""Whether an attribute fits a model: known from its header and the model's description, before anything is loaded."""

from __future__ import annotations

from typing import NamedTuple

from attrbank.diffusion.protocols import Description, family_of
from attrbank.errors import IncompatibleError
from attrbank.schema.stored import AttributeRecord, Binding


class Mismatch(NamedTuple):
    """The first thing in which two models differ.

    Attributes:
        what: "family", "latent shape", "prediction type" or "fingerprint".
        theirs: what the attribute was learned on has.
        ours: what the other model has.
    """

    what: str
    theirs: str
    ours: str

    @property
    def forcible(self) -> bool:
        """Whether the models are relatives: alike in all but their weights, so that an edit can be tried."""
        return self.what == "fingerprint"


def mismatch(learned_on: Binding, here: Description | Binding) -> Mismatch | None:
    """What speaks against an attribute of one model on another, the gravest first; None if they are the same model."""
    family = here.family if isinstance(here, Binding) else family_of(here)
    sides = (
        Mismatch("family", learned_on.family, family),
        Mismatch("latent shape", _shape(learned_on.latent_shape), _shape(here.latent_shape)),
        Mismatch("prediction type", learned_on.prediction_type, here.prediction_type),
        Mismatch("fingerprint", learned_on.fingerprint, here.fingerprint),
    )
    return next((side for side in sides if side.theirs != side.ours), None)


def check_binding(record: AttributeRecord, here: Description | Binding, *, force: bool = False) -> Mismatch | None:
    """Refuse an attribute that was learned on another model (docs/architecture.md 6).

    Args:
        record: the attribute's.
        here: the model that it is to act on.
        force: let it act on a relative of the model that it was learned on.

    Returns:
        What was forced; None if there was no need.

    Raises:
        IncompatibleError: naming both sides.
    """
    found = mismatch(record.backbone, here)
    if found is None or (force and found.forcible):
        return found
    theirs, ours, other = record.backbone.name, here.name, "the other one"
    if theirs == ours:
        theirs, ours, other = f"another model called {theirs}", "this one", "the other one's folder"
    hint = f"Learn the attribute on this backbone, or name {other} with --backbone."
    raise IncompatibleError(
        f"{record.name} was learned on {theirs} ({found.what} {_brief(found.theirs)}), "
        f"but {ours} has {_brief(found.ours)}.",
        hint=f"{hint} They are relatives: --force tries it all the same." if found.forcible else hint,
    )


def forced_warning(record: AttributeRecord, here: Description) -> str:
    """One sentence for those who force an attribute on a relative."""
    return f"{record.name} was learned on {record.backbone.name}; {here.name} has other weights"


def _shape(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))


def _brief(value: str) -> str:
    return value[:24] if len(value) <= 24 else value[:12]
