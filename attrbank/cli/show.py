"""``attrbank show``: an attribute, or the command that made a picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attrbank.cli import terminal
from attrbank.cli.card import card_facts, tuning_facts
from attrbank.cli.completing import attributes
from attrbank.cli.listing import difference, span
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import AttrbankError, CorruptArtifactError
from attrbank.schema.choices import ON_THE_WAY
from attrbank.store.bank import Bank
from attrbank.store.entry import Entry
from attrbank.text import quoted

if TYPE_CHECKING:  # names are completed without what these import
    from attrbank.schema.annotated import Annotation
    from attrbank.schema.carried import Recipe, RecipeTurn
    from attrbank.schema.measured import Card
    from attrbank.schema.stored import AttributeRecord


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="REF|PNG", autocompletion=attributes, help="An attribute, or a picture made by attrbank."
        ),
    ],
    *,
    as_json: JsonOption = False,
    bank: BankOption = None,
) -> None:
    """Show an attribute, or the command that made a picture."""
    # No reference holds a dot or a slash, and a picture's path has at least its suffix.
    if "." in what or "/" in what:
        _show_picture(Path(what), bank, as_json)
    else:
        _show_attribute(Bank.open(bank), what, as_json)


def command_of(recipe: Recipe, bank: Path | None = None) -> str:
    """The ``attrbank apply`` command that repeats a recipe, from this bank, quoted for a POSIX shell."""
    cores = {turn.core for turn in recipe.steps_applied}
    words = ["attrbank", "apply"]
    words += [_asked(turn) for turn in recipe.steps_applied]
    words += ["-i", recipe.image.name] if recipe.image else []
    words += ["--inversion", recipe.inversion] if recipe.inversion else []
    words += ["--mask", recipe.mask.name] if recipe.mask else []
    words += ["--only-after"] if recipe.only_after else []
    words += ["--prompt", recipe.prompt, "--seed", str(recipe.seed), "--sampler", recipe.sampler]
    words += ["--negative-prompt", recipe.negative_prompt] if recipe.negative_prompt else []
    words += ["--steps", str(recipe.steps), "--guidance-scale", terminal.number(recipe.guidance_scale)]
    words += [word for core in cores if core and len(cores) == 1 for word in ("--core", core)]
    words += ["--force"] if recipe.forced else []
    words += ["--dtype", recipe.dtype] if recipe.dtype else []
    words += [word for on in dict.fromkeys(turn.on for turn in recipe.steps_applied) if on for word in ("--on", on)]
    words += ["--raw"] if any(turn.raw for turn in recipe.steps_applied) else []
    words += ["--bank", str(bank)] if bank else []
    return " ".join(map(quoted, [*words, "--backbone", recipe.backbone]))


def _asked(turn: RecipeTurn) -> str:
    """As ``apply`` is asked for the same turn."""
    at = f"@{turn.at}" if turn.at else ""
    return f"{turn.name}@{turn.id[:12]}:{terminal.number(turn.strength)}{at}"


def _show_picture(path: Path, bank: Path | None, as_json: bool) -> None:
    from attrbank.pictures.recipes import recipe_in

    recipe = recipe_in(path)
    if absent := [turn.name for turn in recipe.steps_applied if not _is_there(bank, turn)]:
        terminal.say(f"This bank does not have {', '.join(absent)} as it was; name the one that does with --bank.")
    if as_json:
        terminal.document({"command": command_of(recipe, bank), "recipe": recipe.model_dump(mode="json")})
        return
    for file in (recipe.image, recipe.mask):
        if file:
            terminal.say(f"{file.name} was the file with SHA-256 {file.sha256}")
    terminal.lines([command_of(recipe, bank)])


def _is_there(bank: Path | None, turn: RecipeTurn) -> bool:
    try:
        Bank.open(bank).resolve(f"{turn.name}@{turn.id}")
    except AttrbankError:  # a recipe can be read whatever ails the bank
        return False
    return True


def _show_attribute(bank: Bank, reference: str, as_json: bool) -> None:
    entry = bank.resolve(reference)
    record = bank.record(entry)
    versions = [version.reference for version in bank.versions(entry.name)]
    card, said, preview = bank.measurements.card(entry), bank.annotations.of(entry), bank.previews.path(entry)
    if as_json:
        known = {"record": record.model_dump(mode="json"), "card": card and card.model_dump(mode="json")}
        words = {"aliases": list(said.aliases), "note": said.note, "versions": versions}
        shown = {"pulled_from": said.pulled_from, "preview": preview and str(preview)}
        terminal.document(entry.as_json() | known | words | shown)
    else:
        if preview and terminal.in_terminal():
            _draw(bank, entry)
        facts = chain(_in_short(entry, record, card), _said(said), _seen(preview))
        terminal.details(chain(facts, card_facts(card) if card else (), _facts(entry, record, versions)))


def _draw(bank: Bank, entry: Entry) -> None:
    """The preview, if the terminal can; a damaged one stops nobody."""
    try:
        terminal.picture(bank.previews.read(entry) or b"")
    except CorruptArtifactError as error:
        terminal.warn(error.message)


def _in_short(entry: Entry, record: AttributeRecord, card: Card | None) -> Iterator[tuple[str, object]]:
    """What it is, what it does, how well, and in which range."""
    core = f", core {entry.core}" if entry.core else ""
    yield "attribute", f"{entry.reference}, for {entry.backbone} ({entry.origin} bank, {entry.method}{core})"
    more = f", and {len(entry.pairs) - 1} more pairs" if len(entry.pairs) > 1 else ""
    yield "does", f"{difference(entry.source, entry.target)}{more}"
    if record.words:
        yield "acts at", ", ".join(record.words)
    yield "comes", "not measured; attrbank eval NAME --card does" if entry.score is None else _comes(entry.score, card)
    yield "range", span(entry.usable_low, entry.usable_high) or "not measured"


def _comes(score: float, card: Card | None) -> str:
    pictures = f"{card.pictures} pictures that lacked it" if card else "the pictures"
    return f"in {score:.2f} of {pictures}, at strength 1"


def _seen(preview: Path | None) -> Iterator[tuple[str, object]]:
    if preview:
        yield "preview", preview


def _said(annotation: Annotation) -> Iterator[tuple[str, object]]:
    for field in ("aliases", "tags"):
        if words := getattr(annotation, field):
            yield field, " ".join(words)
    if annotation.pulled_from:
        yield "pulled from", annotation.pulled_from
    for line in annotation.note.splitlines():
        yield "note", line


def _facts(entry: Entry, record: AttributeRecord, versions: list[str]) -> Iterator[tuple[str, object]]:
    yield from _learned_from(entry, record)
    for field in ("created", "vectors", "rank", "unit", "solver", "k"):
        if getattr(entry, field) is not None:
            yield field, _short(getattr(entry, field))
    if record.core in ON_THE_WAY:
        yield "acts at", f"{len(record.times)} times, ᾱ = {' '.join(f'{time:.3g}' for time in record.times)}"
    yield "t_x", f"{entry.t_x:g} (timestep {record.resolved.timestep_x})"
    yield "delta_tau", f"{entry.delta_tau:g} (timestep {record.resolved.timestep_z})"
    for field in ("sampler", "steps", "guidance_scale"):
        yield field, getattr(entry, field)
    yield from ((name, _short(value)) for name, value in sorted(record.measured.items()))
    yield from tuning_facts(record)
    yield "model", f"{record.backbone.name}, fingerprint {record.backbone.fingerprint}"
    yield "file", f"{entry.size_bytes / 1000:.1f} KB, SHA-256 {entry.id}"
    for other in versions:
        if other != entry.reference:
            yield "version", other


def _short(value: object) -> object:
    """A number that was measured, with the digits that say something."""
    return f"{value:.3g}" if isinstance(value, float) else value


def _learned_from(entry: Entry, record: AttributeRecord) -> Iterator[tuple[str, object]]:
    for pair in record.pairs[1:]:
        yield "and", difference(pair.source, pair.target)
    if record.pictures:
        yield "learned from", entry.source
    for pictures in record.pictures:
        yield "source image", f"SHA-256 {pictures.source}"
        yield "target image", f"SHA-256 {pictures.target}"
    if record.imported:
        yield "imported", f"{record.imported.format} (SHA-256 {record.imported.sha256})"
    if record.seeds:
        yield "seeds", entry.seeds
