"""The two editions of ``portraits`` side by side: ``python -m lab.figures.editions`` (two minutes)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, NamedTuple

import attrbank.evaluation.judges.oracle_judge as second_judge
import attrbank_portraits_2.model_folder as second_model
import attrbank.backbones.portraits.parameters as second_parameters
import attrbank.backbones.portraits.render as second_render
import torch
import typer
from torch import Tensor

from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation.bench.bench import Bench
from attrbank.evaluation.judges.judge import Case, Judge
from attrbank.evaluation.judges.oracle_judge import of_portraits
from attrbank.evaluation.numbers.distributions import frechet_distance
from attrbank.names import parse_seeds
from attrbank.plugins.manager import load_plugins
from lab import markdown

RENDERS_SEED = 30_000


class Edition(NamedTuple):
    """One of the two: its model, its judge, and held-out renders of so many people, (N, 3, 128, 128)."""

    backbone: Backbone
    judge: Callable[[Case], Judge]
    renders: Callable[[int], Tensor]


def editions() -> dict[str, Edition]:
    """Both, loaded."""
    return {
        "first": Edition(
            load_plugins().backbone("portraits"), of_portraits, lambda count: render(draw(count, RENDERS_SEED))
        ),
        "second": Edition(
            second_model.load("portraits-2"),
            second_judge.judge_of,
            lambda count: second_render.render(second_parameters.draw(count, RENDERS_SEED)),
        ),
    }


@torch.no_grad()
def measured(edition: Edition, seeds: tuple[int, ...]) -> list[str]:
    """PSNR of the autoencoder, FID of plain pictures to renders, seconds of a picture in 50 steps, size in MB."""
    backbone, drawn = edition.backbone, edition.renders(len(seeds))
    prompt = backbone.defaults.prompt or ""
    decoded = torch.cat([backbone.decode(backbone.encode(part)) for part in torch.split(drawn, 32)])
    noise = -10 * torch.log10((decoded - drawn).square().mean()).item()
    bench = Bench(backbone, prompt, seeds)
    judge = edition.judge(Case(backbone=backbone, prompt=prompt))
    plain = judge.look(bench.images(bench.unedited)).embedding
    distance = frechet_distance(plain, judge.look(drawn).embedding)
    one = Bench(backbone, prompt, seeds[:1], steps=50)
    began = time.perf_counter()
    one.images(one.unedited)
    return [f"{noise:.1f}", f"{distance:.2f}", f"{time.perf_counter() - began:.2f}"]


def main(seeds: Annotated[str, typer.Option(help="Of the plain pictures.")] = "30000-30127") -> None:
    """Print the table; FIDs are over each edition's own judge, and can be compared with nothing else."""
    rows = [[name, *measured(edition, tuple(parse_seeds(seeds)))] for name, edition in editions().items()]
    columns = ["edition", "autoencoder, dB", "FID of plain pictures to renders", "seconds, 50 steps"]
    typer.echo(markdown.table(columns, rows))


if __name__ == "__main__":
    typer.run(main)
