"""Whether an attribute fits a model: known from its header and the model's description, before anything is loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from attrbank.diffusion.protocols import Comparable, family_of, former_of, parts_of
from attrbank.errors import IncompatibleError
from attrbank.schema.fields import Part
from attrbank.schema.stored import AttributeRecord, Binding


class Mismatch(NamedTuple):
    """The first thing in which two models differ.

    Attributes:
        what: "family", "latent shape", "prediction type", "fingerprint", "text encoder" or "codec".
        theirs: what the attribute was learned on has.
        ours: what the other model has.
    """

    what: str
    theirs: str
    ours: str

    @property
    def forcible(self) -> bool:
        """Whether the models are relatives: alike in all but their weights, so that an edit can be tried."""
        return self.what in ("fingerprint", *_CALLED.values())


_CALLED: Mapping[Part, str] = {"text": "text encoder", "codec": "codec"}


def mismatch(
    learned_on: Binding, here: Comparable, parts: Collection[Part] = (), *, network: bool = True
) -> Mismatch | None:
    """What speaks against an attribute of one model on another, the gravest first; None if they are the same model.

    Args:
        learned_on: the attribute's model.
        here: the other one.
        parts: of which the attribute depends beside the network that denoises; what either does not know is not held
            against it.
        network: whether it depends on that network. If not, the parts alone decide, where both sides know them.
    """
    theirs = learned_on.fingerprint
    is_known, known = theirs in (here.fingerprint, former_of(here)), parts_of(here)
    of_network = (
        Mismatch("family", learned_on.family, family_of(here)),
        Mismatch("latent shape", _shape(learned_on.latent_shape), _shape(here.latent_shape)),
        Mismatch("prediction type", learned_on.prediction_type, here.prediction_type),
        Mismatch("fingerprint", here.fingerprint if is_known else theirs, here.fingerprint),
    )
    of_parts = [
        Mismatch(_CALLED[part], learned_on.parts[part], known[part])
        for part in parts
        if part in learned_on.parts and part in known
    ]
    decide = not network and 0 < len(parts) == len(of_parts)
    sides = of_parts if decide else (*of_network, *of_parts)
    return next((side for side in sides if side.theirs != side.ours), None)


def uncertain(record: AttributeRecord, here: Comparable) -> str | None:
    """One sentence for an attribute of which it is not known whether it fits; None if it is."""
    former = former_of(here)
    if record.backbone.fingerprint != former or former == here.fingerprint:
        return None
    return f"{record.name} is from when only a few weights were compared; learn it again to be sure that it fits"


def check_binding(
    record: AttributeRecord,
    here: Comparable,
    *,
    force: bool = False,
    parts: Collection[Part] = (),
    network: bool = True,
) -> Mismatch | None:
    """Refuse an attribute that was learned on another model (docs/architecture.md 6).

    Args:
        record: the attribute's.
        here: the model that it is to act on.
        force: let it act on a relative of the model that it was learned on.
        parts: as ``mismatch`` has them.
        network: likewise.

    Returns:
        What was forced; None if there was no need.

    Raises:
        IncompatibleError: naming both sides.
    """
    found = mismatch(record.backbone, here, parts, network=network)
    if found is None or (force and found.forcible):
        return found
    theirs, ours, other = record.backbone.name, here.name, "the other one"
    if theirs == ours:
        theirs, ours, other = f"another model called {theirs}", "this one", "the other one's folder"
    hint = f"Learn the attribute on this backbone, or name {other} with --backbone."
    raise IncompatibleError(
        f"{record.name} was learned on {theirs} ({found.what} {_brief(found.theirs)}), "
        f"but {ours} has {_brief(found.ours)}.",
        hint=f"{hint} They are relatives: --force tries it all the same, in Python force=True."
        if found.forcible
        else hint,
    )


def forced_warning(record: AttributeRecord, here: Comparable) -> str:
    """One sentence for those who force an attribute on a relative."""
    return f"{record.name} was learned on {record.backbone.name}; {here.name} has other weights"


def _shape(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))


def _brief(value: str) -> str:
    return value[:24] if len(value) <= 24 else value[:12]
