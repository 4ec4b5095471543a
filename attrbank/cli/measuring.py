"""The options of the commands that measure; apart from the others, because lists must not load records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from attrbank.names import parse_seeds
from attrbank.schema.choices import Split

CommonPromptOption: TypeAlias = Annotated[
    str | None, typer.Option("--prompt", metavar="P", help="Of all pictures; default the backbone's.")
]

_SEEDS_OF: dict[Split, str] = {"judge": "10000-10063", "tune": "1000-1063"}


def _renamed(weights: str | None) -> None:
    if weights is not None:
        raise typer.BadParameter(f"--weights {weights} is --judge clip:{weights} now.")


@dataclass(frozen=True)
class Pictures:
    """The options that say which pictures a measurement takes, and who looks at them."""

    seeds: Annotated[str | None, typer.Option(metavar="LIST", help="Default 10000-10063, for tune 1000-1063.")] = None
    split: Annotated[Split, typer.Option(help="Whose seeds and oracle: the judge's or the tuner's.")] = "judge"
    judge: Annotated[
        str | None, typer.Option(metavar="J", help="See attrbank judges; default the backbone's own, the oracle.")
    ] = None
    weights: Annotated[str | None, typer.Option(hidden=True, callback=_renamed)] = None

    def parsed_seeds(self) -> tuple[int, ...]:
        """The seeds that were given, or the split's usual ones; raises as ``parse_seeds``."""
        return parse_seeds(self.seeds or _SEEDS_OF[self.split])
