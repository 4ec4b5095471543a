"""Edits of pictures that the model did not draw: ``python -m lab.figures.pictures``.

The pictures are held-out renders, and the renderer can edit its own portraits perfectly. So here an edit can be held
against the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from torch import Tensor

from attrbank import files
from attrbank.backbones.portraits.parameters import Portraits, draw
from attrbank.backbones.portraits.render import render
from attrbank.diffusion.protocols import Backbone
from attrbank.editing.choices import DEFAULT_INVERSION, REFINEMENTS
from attrbank.evaluation.judges.oracle_judge import OracleJudge
from attrbank.evaluation.judges.readings import GOALS, flips, has_all, identity_error, perceptual_distance
from attrbank.evaluation.numbers.estimates import share
from attrbank.evaluation.numbers.metrics import Psnr
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from attrbank.store.bank import Bank
from lab import markdown
from lab.figures.retoucher import Retoucher
from lab.starter_prompts import PAIRS

FIRST_SEED = 10_000
ROUND_TRIPS = ((0.2, 1.0), (0.4, 1.0), (0.4, 3.0), (0.8, 3.0), (0.8, 7.5))
"""Time of the first edit, as a fraction, and guidance scale: as the starter attributes have it, then ever harder."""

UNTOUCHED, CODED = "not edited", "the truth, through the autoencoder"
METHODS = (UNTOUCHED, *REFINEMENTS, CODED)
SHOWN, SHOWN_ROWS = ("young", "glasses", "hat"), 6
ERR = Console(stderr=True)


def round_trips(retoucher: Retoucher) -> list[dict[str, Any]]:
    """PSNR of pictures that were inverted and drawn again without an edit."""
    psnr, images, found = Psnr(), retoucher.images, []
    coded = retoucher.through_autoencoder(images)
    for fraction, guidance_scale in track(ROUND_TRIPS, "round trips", console=ERR):
        for inversion in REFINEMENTS:
            trajectory = retoucher.trajectory(guidance_scale)
            start = retoucher.inverted(trajectory, retoucher.index_of(fraction), inversion)
            row = {"t_x": fraction, "guidance_scale": guidance_scale, "inversion": inversion}
            row["evaluations"] = trajectory.evaluations / len(images)
            again = retoucher.onward(trajectory, start)
            row |= {"psnr": psnr(images, again).mean().item(), "autoencoder": psnr(images, coded).mean().item()}
            found.append(row)
    return found


def lacking(people: Portraits, name: str) -> tuple[Tensor, Tensor]:
    """Which people lack what the name promises, (B,) bool, and their portraits (N, 3, h, w) with it."""
    rows = GOALS[name].lacked_by(people)
    return rows, render(GOALS[name].given_to(people[rows]))


def edits(retoucher: Retoucher, people: Portraits, bank: Bank, judge: OracleJudge) -> dict[str, dict[str, Any]]:
    """Every attribute on the people who lack it, by every inversion, held against the renderer's own edit."""
    found: dict[str, dict[str, Any]] = {}
    for name in track(PAIRS, "edits", console=ERR):
        rows, truth = lacking(people, name)
        if not rows.any():
            continue
        act, before = retoucher.act(bank, name), retoucher.images[rows]
        after = {UNTOUCHED: before, CODED: retoucher.through_autoencoder(truth)}
        after |= {inversion: retoucher.edited(act, inversion, rows) for inversion in REFINEMENTS}
        methods = {method: against_truth(judge, name, before, after[method], truth) for method in METHODS}
        found[name] = {"pictures": len(before), "methods": methods}
    return found


def against_truth(judge: OracleJudge, name: str, before: Tensor, after: Tensor, truth: Tensor) -> dict[str, Any]:
    """What the judge says of an edit, and how near it comes to the renderer's own; pictures are (N, 3, h, w)."""
    value = GOALS[name].value
    source, edited, goal = (judge.look(images) for images in (before, after, truth))
    figures = {
        "flips": flips(source, edited, value),
        "identity": identity_error(goal, edited, value),
        "perceptual": perceptual_distance(goal, edited),
        "psnr": Psnr()(truth, after),
    }
    success = share(has_all(edited, (name,)).numpy()).model_dump()
    return {"success": success} | {key: value.mean().item() for key, value in figures.items()}


def round_trip_table(figures: Mapping[str, Any]) -> str:
    """Markdown: what is left of a picture that was inverted and drawn again, beside what the autoencoder leaves."""
    rows = []
    for row in figures["round_trips"]:
        settings = [f"{row['t_x']:g}", f"{row['guidance_scale']:g}", f"`{row['inversion']}`", f"{row['evaluations']:g}"]
        rows.append([*settings, f"{row['psnr']:.2f}", f"{row['autoencoder']:.2f}"])
    return markdown.table(["T_x", "guidance", "inversion", "evaluations", "PSNR, dB", "autoencoder alone"], rows)


def edit_table(figures: Mapping[str, Any]) -> str:
    """Markdown: success [95 % interval] / flips / identity error and perceptual distance to the renderer's own edit."""
    titles = [f"`{method}`" if method in REFINEMENTS else method for method in METHODS]
    rows = [
        [name, str(found["pictures"]), *(_cell(found["methods"][method]) for method in METHODS)]
        for name, found in figures["attributes"].items()
    ]
    return markdown.table(["", "pictures", *titles], rows)


def _cell(found: Mapping[str, Any]) -> str:
    success = markdown.interval(found["success"])
    return f"{success} / {found['flips']:.3f} / {found['identity']:.2f} / {found['perceptual']:.3f}"


def draw_pictures(backbone: Backbone, bank: Bank, path: Path) -> None:
    """People who lack all that is shown: as they are, then with each attribute, ours beside the renderer's own."""
    everyone = draw(1024, FIRST_SEED)
    without = torch.stack([GOALS[name].lacked_by(everyone) for name in SHOWN]).all(0)
    people = everyone[without.nonzero()[:SHOWN_ROWS, 0]]
    retoucher, all_rows = Retoucher(backbone, render(people)), torch.ones(len(people), dtype=torch.bool)
    columns, stacks, gaps = ["input"], [retoucher.images], set[int]()
    for name in SHOWN:
        gaps.add(len(columns))
        columns += [name, "renderer's own"]
        ours = retoucher.edited(retoucher.act(bank, name), DEFAULT_INVERSION, all_rows)
        stacks += [ours, lacking(people, name)[1]]
    draw_grid(columns, stacks, gaps=gaps).save(path)


@torch.no_grad()
def main(
    count: Annotated[int, typer.Option(help="Renders, from the judge's seeds.")] = 16,
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/pictures.json"),
    picture: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("docs/pictures.png"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure round trips and edits, write figures and a picture, and print the README's tables."""
    chosen = Bank.open(bank) if bank else Bank.starter()
    backbone, judge = load_plugins().backbone("portraits"), OracleJudge("judge")
    people = draw(count, FIRST_SEED)
    retoucher = Retoucher(backbone, render(people))
    figures = {
        "renders": count,
        "seed": FIRST_SEED,
        "round_trips": round_trips(retoucher),
        "attributes": edits(retoucher, people, chosen, judge),
    }
    files.replace(out, (json.dumps(figures, indent=1) + "\n").encode())
    draw_pictures(backbone, chosen, picture)
    typer.echo(f"{round_trip_table(figures)}\n\n{edit_table(figures)}")


if __name__ == "__main__":
    typer.run(main)
