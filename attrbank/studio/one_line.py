"""One line of Python each: ``attrbank.apply``, ``attrbank.learn`` and ``attrbank.open``."""

from __future__ import annotations

from typing import Any, Unpack

from attrbank.methods.protocol import OnProgress, quiet
from attrbank.plugins.manager import load_plugins
from attrbank.store.entry import Entry
from attrbank.studio import arguments
from attrbank.studio.arguments import ApplyOptions, LearnOptions, PathLike, Texts
from attrbank.studio.foreign import Listener, only_our_errors
from attrbank.studio.result import Result
from attrbank.studio.studio import OnStep, Studio, drawn, learned, silent


def apply(
    *attributes: str,
    backbone: PathLike | None = None,
    bank: PathLike | None = None,
    device: Any = None,
    dtype: Any = None,
    offload: bool = False,
    on_step: OnStep = silent,
    **options: Unpack[ApplyOptions],
) -> Result:
    """Draw a picture, or take one, and give it attributes: ``attrbank.apply("young:0.7", "smile", seed=7)``.

    Nothing is written; the result has the pictures ``before`` and ``after``, and ``save``. What is None or left out is
    the attribute's or the model's own.

    Args:
        attributes: ``NAME``, ``NAME@ID-PREFIX`` or ``ID-PREFIX``, each with ``:STRENGTH`` if it is not 1, and ``@TIME``
            if it is not the attribute's own, as in ``smile:0.7@0.3``.
        backbone: ``portraits``, a short name, a folder, a file or a hub id; None is where the first was learned.
        bank: the folder where attributes are looked for; None is the user's, over the starter bank.
        device: where networks run: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        dtype: their precision: ``float32``, ``float16`` or ``bfloat16``.
        offload: keep on the device only the network that is at work.
        on_step: called with the denoising steps done and their total; what it raises ends the run and comes back.
        options: the others, by name:
            ``prompt`` and ``seed`` of the picture; or ``image``, the path of one to edit, and ``inversion``, how it
            becomes a latent. ``mask``: the path of a picture, white where the edit may act. ``rho``: the strength where
            none is given. ``sampler``, ``steps``, ``guidance_scale``: of the run. ``negative_prompt``: what guidance
            leads away from. ``core``: which of the attributes' cores acts. ``on``: the word of the prompt at which text
            directions act, such as ``woman`` of two figures. ``raw=True``: strengths as they are, not as calibrated.
            ``force=True``: try it on a model of the same family.

    Warns:
        UserWarning: of what the command line warns of, such as words that the model has never seen.

    Raises:
        AttrbankError: of the kind that says what is wrong: a value (``InvalidValueError``), a name or a file that is
            not there (``NotFoundError``), an attribute of another model (``IncompatibleError``) ...
        TypeError: there is no option of that name.
    """
    arguments.refuse_unknown("apply", options, ApplyOptions)
    listener = Listener(on_step)
    with only_our_errors(listener):
        where = {"backbone": arguments.reference(backbone), "placement": arguments.placement(device, dtype, offload)}
        return drawn(arguments.apply_request(attributes, options, bank=bank, **where), listener)


def learn(
    name: str,
    source: Texts | None = None,
    target: Texts | None = None,
    *,
    backbone: PathLike | None = None,
    bank: PathLike | None = None,
    device: Any = None,
    dtype: Any = None,
    offload: bool = False,
    on_progress: OnProgress = quiet,
    **options: Unpack[LearnOptions],
) -> Entry:
    """Learn an attribute and store it: ``attrbank.learn("grin", "a serious person", "a smiling person")``.

    Args:
        name: the attribute's: 1 to 64 characters from a-z, 0-9, - and _.
        source: a prompt without it, or a list of them.
        target: a prompt with it; the i-th belongs to the i-th source.
        backbone: as in ``apply``; None is ``portraits``.
        bank: the folder where it is stored; None is the user's.
        device: as in ``apply``.
        dtype: likewise.
        offload: likewise.
        on_progress: called with a stage's name, what is done of it, and its total; what it raises ends the run.
        options: the others, by name:
            ``source_image`` and ``target_image``: instead of prompts, two pictures, two folders whose pictures are
            matched by name, or two lists. ``keep``: words that further pairs name on both sides, such as
            ``["man,woman", "smiling,serious"]``. ``replace=True``: let the name mean this one from now on.
            ``force=True``: store it even if there is next to nothing to learn. ``preview=False``: do not draw what it
            looks like; ``attrbank show`` tells where that is. ``tune=True``: choose core and time and calibrate its
            strengths; ``judge`` says who looks meanwhile, and ``goal`` for what, where the name does not tell.
            ``seeds``: numbers, or text such as ``0-63``. ``t_x``, ``delta_tau``, ``branch``: times.
            ``on``: the word at which a text direction (``method="text"``) acts, if it is not to be found.
            ``mask``: a picture, white where it is to lie, and ``component``, or ``components`` of them at once, for
            methods that find directions by themselves, such as ``loco``: they need no ``target``.
            ``method``, ``vectors``, ``core``, ``rank``, ``sampler``, ``steps``, ``guidance_scale``; ``preset="paper"``,
            and for the paper's vectors ``tail``, ``solver``, ``weights``, ``z``, ``k``, ``width``, ``samples``.

    Returns:
        The attribute's entry in the bank, with its ``name`` and ``id``; of several ``components`` the first one's.

    Warns:
        UserWarning: as ``apply``.

    Raises:
        AttrbankError: as ``apply``; the name may be taken (``InvalidValueError``).
        TypeError: there is no option of that name.
    """
    arguments.refuse_unknown("learn", options, LearnOptions)
    listener = Listener(on_progress)
    with only_our_errors(listener):
        asked = arguments.learn_request(name, source, target, options, bank=bank)
        where = arguments.placement(device, dtype, offload)
        return learned(asked, listener, arguments.reference(backbone), placement=where)


def open(  # noqa: A001 — as one says it: attrbank.open("portraits")
    backbone: PathLike = "portraits",
    *,
    bank: PathLike | None = None,
    device: Any = None,
    dtype: Any = None,
    offload: bool = False,
) -> Studio:
    """Load a model once, for any number of applies: ``studio = attrbank.open("portraits")``.

    Args:
        backbone: ``portraits``, a short name, a folder, a file or a hub id.
        bank: the folder of attributes; None is the user's, over the starter bank.
        device: as in ``apply``.
        dtype: likewise.
        offload: likewise.

    Raises:
        AttrbankError: there is no such model, or it cannot run where it is to.
    """
    with only_our_errors():
        named = arguments.reference(backbone) or "portraits"
        where = arguments.placement(device, dtype, offload)
        arguments.path(bank, "The bank")
        return Studio(named, load_plugins().backbone(named, where), bank, where)
