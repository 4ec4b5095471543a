"""The work of a fleet whose attributes are tuned where that is asked for, and drawn."""

from __future__ import annotations

from attrbank.attribute.artifact import LearnedAttribute
from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.preview import as_jpeg, draw_preview
from attrbank.learning.fleet.work import Common, Wanted, Worker
from attrbank.learning.run import Prepare
from attrbank.methods.protocol import OnProgress, OnWarning

TARGET = "attrbank.evaluation.fleet_work:whole"


def whole(common: bytes) -> Worker:
    """The work of ``attrbank learn --from``."""
    return Worker(Common.model_validate_json(common), prepare_for=_tuned, draw=_drawn)


def _tuned(wanted: Wanted, on_warning: OnWarning) -> Prepare | None:
    if not wanted.tune:
        return None
    from attrbank.evaluation.tuning import tuning_of  # most attributes are learned without

    return tuning_of(wanted.spec, wanted.backbone, judge=wanted.judge, goal=wanted.goal, on_warning=on_warning)


def _drawn(
    attribute: LearnedAttribute, backbone: Backbone, on_progress: OnProgress, on_warning: OnWarning
) -> bytes | None:
    """A JPEG; whatever goes wrong is a warning, because the attribute itself is made."""
    try:
        return as_jpeg(draw_preview(attribute, backbone, on_progress, on_warning))
    except Exception as error:
        on_warning(f"no preview could be drawn of {attribute.record.name}, which is stored: {error}")
        return None
