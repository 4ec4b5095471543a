"""``matrix``: which attributes go together, and how many at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from attrbank.errors import InvalidValueError
from attrbank.evaluation.bench import elsewhere
from attrbank.evaluation.bench.cells import Cell, CellStore
from attrbank.evaluation.bench.setting import SettingRequest, set_up
from attrbank.evaluation.bench.split import require_split
from attrbank.evaluation.bench.subjects import Subject
from attrbank.evaluation.bench.together import Combination, Together
from attrbank.evaluation.numbers.estimates import mean, share
from attrbank.executors.protocol import Executor, Tell
from attrbank.methods.protocol import OnProgress, quiet
from attrbank.plugins.jobs import job_of
from attrbank.schema.measured import Group, Matrix, Pairing, Rule

RULES: tuple[Rule, ...] = ("sequence", "sum", "root")

TARGET = "attrbank.evaluation.pairings:Work"

Flags = NDArray[np.bool_]
Excludes: TypeAlias = Callable[[Subject, Subject], bool]
"""Whether both promise something of the same thing, as young and old do."""


@dataclass(frozen=True, kw_only=True)
class MatrixRequest(SettingRequest):
    """One ``matrix``, as asked for.

    Attributes:
        largest: the most attributes at once.
    """

    largest: int = 4

    def __post_init__(self) -> None:
        if len(self.references) < 2:
            raise InvalidValueError("A matrix takes two attributes or more.")


def measure_matrix(
    request: MatrixRequest,
    *,
    executor: Executor | None = None,
    on_progress: OnProgress = lambda stage, done, total: None,
    on_warning: Callable[[str], None] = lambda warning: None,
) -> Matrix:
    """Put attributes into pictures by themselves, in pairs and in larger groups, all at strength 1.

    With an executor its workers measure, each combination by itself; what none of them could, is measured here.

    Raises:
        NotFoundError: an attribute, backbone or sampler does not exist.
        InvalidValueError: there are too few attributes, or the seeds belong to another split or were learned from.
        IncompatibleError: an attribute was learned on another backbone.
        NumericError: a combination makes a latent that is not finite.
        StorageError: the folder cannot be written.
        AttrbankError: a library that the judge needs is not installed.
    """
    require_split(request.split, request.seeds)
    setting = set_up(request)
    subjects = setting.subjects
    store = CellStore(request.out, setting.protocol)
    together = Together(setting, store)
    pairs = [Combination(pair) for pair in itertools.permutations(subjects, 2)]
    groups = [group for group in _groups(subjects, request.largest, setting.judge.excludes) if together.fits(group)]
    wanted = [*(Combination((subject,)) for subject in subjects), *pairs, *groups]
    if executor is not None:
        missing = together.missing(wanted)
        job = job_of(TARGET, elsewhere.packed(request, setting))
        how = (len(missing), on_progress, on_warning)
        payloads = map(_payload, missing.values())
        elsewhere.fill(store, executor, job, payloads, lambda cell: cell.key in missing, *how)
    together.measure(wanted, on_progress)
    judged = [subject for subject in subjects if together.lacking(subject).any()]
    for subject in subjects:
        if subject not in judged:
            on_warning(f"every picture has what {subject.label} promises, so nothing is said of what it gains")
    return Matrix(
        protocol=setting.protocol,
        names={subject.id: subject.label for subject in subjects},
        pairs=tuple(_pair(together, pair) for pair in pairs if pair.subjects[0] in judged),
        groups=tuple(_group(together, group) for group in groups),
    )


class Work:
    """What a worker measures: one combination a task.

    Args:
        common: see ``elsewhere.packed``.
    """

    def __init__(self, common: bytes) -> None:
        self._bag = elsewhere.Bag(common, MatrixRequest)
        setting = self._bag.require_same(set_up(self._bag.request))
        self._subjects = {subject.id: subject for subject in setting.subjects}
        self._store = elsewhere.TellingStore(setting.protocol)
        self._together = Together(setting, self._store)

    def __call__(self, payload: bytes, tell: Tell) -> None:
        """Measure it."""
        self._store.tell = tell
        rule, *ids = payload.decode().split("+")
        subjects = tuple(self._subjects[identity] for identity in ids)
        self._together.measure([Combination(subjects, cast("Rule", rule))], quiet)


def _payload(combination: Combination) -> bytes:
    return "+".join((combination.rule, *(subject.id for subject in combination.subjects))).encode()


def _groups(subjects: Sequence[Subject], largest: int, excludes: Excludes) -> Iterator[Combination]:
    """Sets of every size that begin with each attribute in turn, and go on with those after it that may be there too.

    Of three and more, by every rule; fewer are what sets of three are compared with.
    """
    for size in range(1, min(largest, len(subjects)) + 1):
        found = {subject.id: _together_with(subject, subjects, size, excludes) for subject in subjects}
        for group in {frozenset(s.id for s in group): group for group in found.values()}.values():
            if len(group) == size:
                yield from (Combination(group, rule) for rule in (RULES if size >= 3 else RULES[:1]))


def _together_with(first: Subject, subjects: Sequence[Subject], size: int, excludes: Excludes) -> tuple[Subject, ...]:
    start = subjects.index(first)
    chosen: list[Subject] = []
    for subject in (*subjects[start:], *subjects[:start]):
        if len(chosen) < size and not any(excludes(subject, other) for other in chosen):
            chosen.append(subject)
    return tuple(sorted(chosen, key=subjects.index))


def _pair(together: Together, pair: Combination) -> Pairing:
    of, given = pair.subjects
    both, reverse = together.cell(pair), together.cell(Combination((given, of)))
    alone, beside = _seen(together.cell(Combination((of,))), of), _seen(both, of)
    lacking = together.lacking(of).numpy()
    came = together.lacking(given).numpy() & _seen(together.cell(Combination((given,))), given)
    depends = (beside != _seen(reverse, of)) | (_seen(both, given) != _seen(reverse, given))
    return Pairing(
        of=of.id,
        given=given.id,
        pictures=int(lacking.sum()),
        alone=share(alone[lacking]),
        together=share(beside[lacking]),
        gain=mean(beside[lacking].astype(float) - alone[lacking]),
        survival=share(_seen(both, given)[came]) if came.any() else None,
        order=share(depends),
    )


def _group(together: Together, group: Combination) -> Group:
    cell = together.cell(group)
    every: Flags = np.all([_seen(cell, subject) for subject in group.subjects], axis=0)
    return Group(
        ids=tuple(subject.id for subject in group.subjects),
        rule=group.rule,
        pictures=len(every),
        success=share(every),
        perceptual=mean(cell.array("perceptual")) if "perceptual" in cell.values else None,
        damage=share(cell.array("damage") > 0.5) if "damage" in cell.values else None,
    )


def _seen(cell: Cell, subject: Subject) -> Flags:
    flags: Flags = cell.array(subject.id) > 0.5
    return flags
