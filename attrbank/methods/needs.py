"""What an edit asks of the network beyond the two pictures; a plan counts it before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple


class OtherRun(NamedTuple):
    """A run of another prompt from the picture's own noise.

    Attributes:
        until: the time fraction at which it ends, in [0, 1]; None is the step at which the edit acts first.
        predicted: whether the clean latent is predicted there, which takes one evaluation more.
    """

    until: float | None
    predicted: bool = False


class Meanwhile(NamedTuple):
    """What an edit that acts over an interval asks for at each step of it.

    Attributes:
        rows: under how many prompts every picture is predicted beside its own.
        until: the time fraction at which the edit stops to act, in [0, 1].
    """

    rows: int
    until: float


@dataclass(frozen=True)
class Needs:
    """What an edit asks of the network beyond the two pictures; plans count it before anything runs.

    Attributes:
        runs: other runs, each a ``latent`` or a ``clean_latent`` of ``EditInputs``.
        looks: whether it asks for ``clean``, each time that it acts: the unedited picture then goes one step beyond the
            edit, if no further; where something has acted already, the edited one is predicted instead.
        predictions: how often it calls ``predict``; a ``pull_back`` counts as three, a ``push_forward`` as two.
        rows: for how many prompts it calls ``clean_under``, at all of its times together.
        towards: the source prompts of the pairs for which it calls ``towards``, one for each of its times: each is an
            evaluation, and two rows more where the picture's prompt is another. It calls ``beside`` each time as well,
            so that the unedited picture goes one step beyond the last of these times, if no further.
        features: rows for products of ``features``: a ``pull_back`` counts as three, a ``push_forward`` as two.
        meanwhile: of a ``GuidanceEdit``, what it asks for at each step of its interval.
        words: of a ``PromptEdit``, the words of the prompt at which it acts unless the user names another; of these, as
            many as the prompt has. It takes a backbone with ``token_spans``, and costs nothing.
        prompt: whether it is a ``PromptEdit`` that acts on the whole prompt, of which nothing is then left out.
        beside: of a ``PairedEdit``, until which time fraction the unedited picture runs beside the edited one.
    """

    runs: tuple[OtherRun, ...] = ()
    looks: bool = False
    predictions: int = 0
    rows: int = 0
    towards: tuple[str, ...] = ()
    features: int = 0
    meanwhile: Meanwhile | None = None
    words: tuple[str, ...] = ()
    prompt: bool = False
    beside: float | None = None

    @property
    def nothing(self) -> bool:
        """Whether no evaluation is asked for, and nothing of the prompt but words."""
        return replace(self, words=()) == Needs()
