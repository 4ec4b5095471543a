"""``attrbank learn``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

import typer

from attrbank.cli import terminal
from attrbank.cli.card import tuning_facts
from attrbank.cli.completing import methods
from attrbank.cli.fleet import learn_file, refuse_what_the_file_says
from attrbank.cli.help import PUBLISHED
from attrbank.cli.options import (
    BackboneOption,
    BankOption,
    ConfigOption,
    JsonOption,
    ReplaceOption,
    Sampling,
    Where,
    backbone_of,
    spelled_out,
)
from attrbank.cli.progress_bar import Report, progress_bar
from attrbank.names import parse_seeds
from attrbank.schema.choices import BankedZ, Core, Preset, Solver, Tail, Vectors, Weights
from attrbank.text import quoted

if TYPE_CHECKING:  # help is shown without torch
    from attrbank.learning.run import Stored
    from attrbank.schema.asked import LearnSpec, PictureFiles
    from attrbank.store.entry import Entry

Prompts: TypeAlias = list[str] | None
Images: TypeAlias = Path | None

_SEEDS_FROM_ONE = 64


@dataclass(frozen=True)
class Pairs:
    """The options that say what it is learned from."""

    source: Annotated[Prompts, typer.Option(metavar="PROMPT", help="Without the attribute.")] = None
    target: Annotated[Prompts, typer.Option(metavar="PROMPT", help="With it; one for each source.")] = None
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help='As "man,woman": name each of them on both sides. Repeat to combine.'),
    ] = None
    source_image: Annotated[Images, typer.Option(metavar="FILE|DIR", help="Instead of prompts: without it.")] = None
    target_image: Annotated[Images, typer.Option(metavar="FILE|DIR", help="With it; matched by name.")] = None

    def pictures(self, *, alone: bool) -> tuple[PictureFiles, ...]:
        """The pairs of pictures; none if there are prompts, or if it can be learned without a target."""
        prompts, images = (self.source, self.target), (self.source_image, self.target_image)
        if alone and not (self.target or any(images)):
            return ()
        if any(prompts) == any(images) or not (all(prompts) or all(images)):
            raise typer.BadParameter("Give --source and --target, or --source-image and --target-image.")
        if self.source_image is None or self.target_image is None:
            return ()
        from attrbank.pictures.find import matched

        return matched(self.source_image, self.target_image)


@dataclass(frozen=True)
class Times:
    """The options that say when the runs part, when the edit acts, and where the target is looked at."""

    t_x: Annotated[float | None, typer.Option(metavar="F", help="Time of the edit; .4, the paper's .8.")] = None
    delta_tau: Annotated[float | None, typer.Option(metavar="F", help="T_z − T_x; −.2, the paper's −.3.")] = None
    branch: Annotated[float | None, typer.Option(metavar="F", help="Difference: when the runs part; 1.")] = None


@dataclass(frozen=True)
class How:
    """The options that say what kind of edit it is."""

    method: Annotated[
        str | None,
        typer.Option(metavar="M", autocompletion=methods, help="See attrbank methods."),
    ] = None
    vectors: Annotated[Vectors | None, typer.Option(help="Where the vectors come from; default difference.")] = None
    core: Annotated[Core | None, typer.Option(help="Difference, text: which predictor acts; default the best.")] = None
    rank: Annotated[int | None, typer.Option(metavar="R", help="Difference: the rank of the vectors.")] = None
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="WORD", help="Text: the subject; default found. With --from: who works, as ray."),
    ] = None


@dataclass(frozen=True)
class Tuning:
    """The options that say whether core and time are chosen by looking, who looks, and for what."""

    PANEL: ClassVar = "Tuning"

    tune: Annotated[bool, typer.Option("--tune", help="Choose core and T_x, calibrate strengths: minutes.")] = False
    judge: Annotated[str | None, typer.Option(metavar="J", help="Who looks while tuning; default the oracle.")] = None
    goal: Annotated[str | None, typer.Option(metavar="NAME", help="What it promises, if its name does not.")] = None

    def __post_init__(self) -> None:
        if not self.tune and (self.judge or self.goal):
            raise typer.BadParameter("--judge and --goal belong to --tune.")


@dataclass(frozen=True)
class Paper:
    """The options of the paper's vectors."""

    PANEL: ClassVar = PUBLISHED

    tail: Annotated[Tail | None, typer.Option(help="Paper: which of z's vectors are grafted.")] = None
    solver: Annotated[Solver | None, typer.Option(help="Paper: the network, or the closed form.")] = None
    weights: Annotated[Weights | None, typer.Option(help="Paper: the singular values at inference.")] = None
    z: Annotated[BankedZ | None, typer.Option("--z", help="Paper: the learning seed's z, or the image's own.")] = None
    k: Annotated[int | None, typer.Option("--k", metavar="N", help="Paper: how many vectors x keeps.")] = None


@dataclass(frozen=True)
class Region:
    """The options of methods that find directions by themselves, of a region or of all of the picture."""

    mask: Annotated[Path | None, typer.Option(metavar="FILE", help="loco: where it lies, white.")] = None
    component: Annotated[int | None, typer.Option(metavar="N", help="loco, pullback: the N-th direction; 1.")] = None
    components: Annotated[
        int | None, typer.Option(metavar="N", help="Likewise: the first N at once, as NAME-1, NAME-2 and so on.")
    ] = None


@spelled_out
def learn(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The new attribute's name.")] = None,
    *,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", readable=False, help="Instead: many, of TOML, YAML or CSV; can go on."),
    ] = None,
    pairs: Pairs,
    seeds: Annotated[str | None, typer.Option(metavar="LIST", help="Like 0-63 or 1,5,9; default 0-63.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Short for 64 seeds from N.")] = None,
    times: Times,
    how: How,
    region: Region,
    paper: Paper,
    preset: Annotated[Preset | None, typer.Option(rich_help_panel=PUBLISHED, help="All settings as published.")] = None,
    tuning: Tuning,
    replace: ReplaceOption = False,
    force: Annotated[bool, typer.Option("--force", help="Store it even if there is next to nothing to learn.")] = False,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Do not draw what it looks like.")] = False,
    as_json: JsonOption = False,
    backbone: BackboneOption = None,
    config: ConfigOption = None,
    where: Where,
    sampling: Sampling,
    bank: BankOption = None,
) -> None:
    """Learn an attribute from a pair of prompts, or of pictures."""
    if from_file is not None:
        refuse_what_the_file_says(context)
        given: dict[str, Any] = {"bank": bank, "replace": replace, "preview": not no_preview, "as_json": as_json}
        learn_file(from_file, on=how.on, backbone=backbone_of(backbone, config), placement=where.placement(), **given)
        return
    if name is None:
        raise typer.BadParameter("Give a NAME, or --from FILE.")
    from attrbank.learning.request import learn_spec  # help is shown without plugins

    spec = learn_spec(
        name,
        pairs.source or [],
        pairs.target or [],
        pictures=pairs.pictures(alone=any(value is not None for value in vars(region).values())),
        keep=pairs.keep or [],
        preset=preset,
        seeds=_seeds(seeds, seed),
        **vars(times),
        **vars(how),
        **vars(region),
        **vars(paper),
        **vars(sampling),
    )
    options: dict[str, Any] = {"backbone": backbone_of(backbone, config), "placement": where.placement(), "bank": bank}
    options |= {"replace": replace, "force": force, "preset": preset}
    _learn(spec, as_json, tuning, None if pairs.keep else context.obj, preview=not no_preview, **options)


def _propose_to_keep(spec: LearnSpec, words: Sequence[str], backbone: str | None) -> None:
    """Say which command would hold still what one pair leaves open; learning goes on as it was asked for."""
    from attrbank.learning.keeping import proposed
    from attrbank.learning.run import default_backbone
    from attrbank.plugins.manager import load_plugins

    if len(spec.pairs) != 1 or spec.pairs[0].source == spec.pairs[0].target:
        return
    model = load_plugins().describe(backbone or default_backbone())
    keep = [word for group in proposed(spec.pairs[0], model, len(spec.seeds)) for word in ("--keep", group)]
    if keep:
        again = [] if "--replace" in words else ["--replace"]
        command = " ".join(quoted(word) for word in ("attrbank", *words, *keep, *again))
        terminal.say(f"What the data has beside it may come along. This keeps it out: {command}")


def _learn(
    spec: LearnSpec, as_json: bool, tuning: Tuning, words: Sequence[str] | None, *, preview: bool, **options: Any
) -> None:
    with progress_bar(lines=True) as report:
        report("loading", 0, 1)  # torch alone takes seconds
        from attrbank.learning.run import learn as learn_attribute

        if words is not None:
            _propose_to_keep(spec, words, options["backbone"])
        prepare, account = None, _Account(spec, options["bank"], report, preview=preview)
        if tuning.tune:
            from attrbank.evaluation.tuning import tuning_of  # most attributes are learned without

            eyes = {"judge": tuning.judge, "goal": tuning.goal}
            prepare = tuning_of(spec, options["backbone"], **eyes, on_warning=account.warn)
        options |= {"on_progress": report, "on_warning": account.warn, "on_stored": account.stored}
        learn_attribute(spec, prepare=prepare, **options)
    account.tell(as_json)


class _Account:
    """Tells what comes of a ``learn``, and remembers it for ``--json``."""

    def __init__(self, spec: LearnSpec, bank: Path | None, report: Report, *, preview: bool) -> None:
        self._started, self._bank, self._preview = time.monotonic(), bank, preview and not spec.pictures
        self._report = report
        self._warnings: list[str] = []
        self._learned: list[tuple[Entry, dict[str, object]]] = []

    def warn(self, warning: str) -> None:
        self._warnings.append(warning)
        terminal.warn(warning)

    def tell(self, as_json: bool) -> None:
        """What was stored, as data: one attribute, or a list of several."""
        if len(self._learned) == 1:
            ((entry, facts),) = self._learned
            terminal.attribute(entry, as_json, **facts)
        elif as_json:
            terminal.document([entry.as_json() | facts for entry, facts in self._learned])
        else:
            terminal.lines([entry.reference for entry, _ in self._learned])

    def stored(self, stored: Stored) -> None:
        """Say so at once: what follows can no longer take it back."""
        seconds, size = time.monotonic() - self._started, stored.entry.size_bytes / 1000
        facts: dict[str, object] = {"warnings": self._warnings, "preview": None, "seconds": round(seconds, 3)}
        self._learned.append((stored.entry, facts))
        terminal.say(f"Stored {stored.entry.reference} in {seconds:.0f} s, {size:.1f} KB.")
        for what, found in tuning_facts(stored.attribute.record):
            terminal.say(f"{what} {found}")
        if not self._preview:
            return
        from attrbank.evaluation.preview import preview_kept

        path = preview_kept(stored, self._bank, self._report, self.warn)
        if path:
            facts["preview"] = str(path)
            terminal.say(f"See {path}: no, half and all of it on three fresh seeds.")


def _seeds(seeds: str | None, seed: int | None) -> tuple[int, ...] | None:
    if seeds is not None and seed is not None:
        raise typer.BadParameter("--seeds and --seed exclude each other.")
    if seed is not None:
        return tuple(range(seed, seed + _SEEDS_FROM_ONE))
    return None if seeds is None else parse_seeds(seeds)
