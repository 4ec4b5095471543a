"""Bundles of options: declared once, spelled out for typer, and handed to commands as one."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from attrbank.cli.measuring import Pictures
from attrbank.cli.options import Sampling, Where, spelled_out
from attrbank.diffusion.placement import Placement
from attrbank.errors import InvalidValueError


def run(*arguments: str) -> tuple[int, Where, Sampling]:
    seen: list[tuple[int, Where, Sampling]] = []

    @spelled_out
    def command(number: Annotated[int, typer.Argument()], *, where: Where, sampling: Sampling) -> None:
        seen.append((number, where, sampling))

    app = typer.Typer()
    app.command()(command)
    outcome = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return seen[0]


def test_what_is_not_given_is_the_bundles_default() -> None:
    assert run("3") == (3, Where(), Sampling())


def test_what_is_given_arrives_in_its_bundle() -> None:
    given = ("--device", "cuda:1", "--offload", "--guidance-scale", "2", "--steps", "7")
    assert run("3", *given) == (3, Where("cuda:1", offload=True), Sampling(steps=7, guidance_scale=2))


def test_a_placement_is_there_where_somebody_asked_for_one() -> None:
    assert Where().placement() is None
    assert Where(dtype="float16").placement() == Placement(dtype="float16")


def test_pictures_are_those_of_the_split_unless_seeds_are_given() -> None:
    assert Pictures().parsed_seeds() == tuple(range(10_000, 10_064))
    assert Pictures(split="tune").parsed_seeds() == tuple(range(1000, 1064))
    assert Pictures("5,7").parsed_seeds() == (5, 7)
    with pytest.raises(InvalidValueError):
        Pictures("seven").parsed_seeds()
