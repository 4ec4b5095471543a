"""The model that an attribute belongs to, as its record has it."""

from __future__ import annotations

from attrbank.diffusion.protocols import Comparable, family_of, parts_of
from attrbank.names import from_home
from attrbank.schema.stored import Binding


def binding_of(model: Comparable) -> Binding:
    """What is recorded of a model, loaded or only described."""
    return Binding(
        name=from_home(model.name),
        fingerprint=model.fingerprint,
        latent_shape=model.latent_shape,
        prediction_type=model.prediction_type,
        family=family_of(model),
        parts=dict(parts_of(model)),
    )
