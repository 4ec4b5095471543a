"""What settings of edits by prompts alone do: ``python -m lab.figures.prompts_sheet`` (two minutes on two cores)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attrbank.evaluation.bench.bench import Bench
from attrbank.learning.request import learn_spec
from attrbank.learning.run import complete, learn_attribute
from attrbank.names import parse_seeds
from attrbank.pictures.sheet import draw_grid
from attrbank.plugins.manager import load_plugins
from lab.starter_prompts import NEUTRAL

TARGET, SEEDS = f"{NEUTRAL} with glasses", "30000-30005"
SETTINGS = {
    "interp 1": ("prompt-interpolation", 1.0),
    "interp .5": ("prompt-interpolation", 0.5),
    "mix 1": ("prompt-mixing", 1.0),
    "p2p refine": ("prompt-to-prompt", 1.0),
    "p2p own1": ("prompt-to-prompt:cross=1,own=1", 1.0),
    "p2p c.4 s.2": ("prompt-to-prompt:cross=0.4,own=0.2", 1.0),
    "p2p cross0": ("prompt-to-prompt:cross=0", 1.0),
    "rew 3": ("prompt-to-prompt:edit=reweight", 3.0),
    "rew -2": ("prompt-to-prompt:edit=reweight", -2.0),
    "blend": ("prompt-to-prompt:blend=glasses", 1.0),
}
"""By column: the method with its parameters, and the strength."""


def main(
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("plugins/attrbank-prompt/sheet.png"),
    seeds: str = SEEDS,
) -> None:
    """Six people, and glasses in ten ways."""
    plugins = load_plugins()
    bench = Bench(plugins.backbone("portraits"), NEUTRAL, parse_seeds(seeds))
    columns, stacks = ["before"], [bench.images(bench.unedited)]
    for title, (method, strength) in SETTINGS.items():
        spec = complete(learn_spec("glasses", [NEUTRAL], [TARGET], method=method), bench.backbone)
        attribute = learn_attribute(spec, plugins.method(method), bench.backbone, plugins.sampler(spec.sampler))
        columns.append(title)
        stacks.append(bench.images(bench.edited([bench.act(attribute, strength)])))
    draw_grid(columns, stacks, gaps={1, 4, 8}).save(out)
    typer.echo(out)


if __name__ == "__main__":
    typer.run(main)
