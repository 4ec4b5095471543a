"""The README's comparison: ``python -m attrbank.evaluation.measure`` (about twenty minutes on two cores).

Everything is judged on seeds that nothing was learned or tuned on, by an oracle that nothing was tuned with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from attrbank.artifact import LearnedAttribute
from attrbank.backbones.portraits.parameters import draw
from attrbank.backbones.portraits.render import render
from attrbank.diffusion.protocols import Backbone
from attrbank.evaluation import oracle
from attrbank.evaluation.bench import Bench, stored
from attrbank.evaluation.metrics import GOALS, Share, has_all, look_at, perceptual_distance, score, share
from attrbank.evaluation.starter import NEUTRAL, SIDES, prompt
from attrbank.learning import complete, learn_attribute
from attrbank.names import parse_seeds
from attrbank.plugin_manager import load_plugins
from attrbank.requests import learn_spec
from attrbank.store.bank import Bank

SWITCHES = (0.8, 0.5)
COMPOSITIONS = ((("young", "smile"), 0.7), (("man", "glasses", "hat"), 1.0))


def target_of(name: str) -> str:
    """The plain prompt for an attribute, such as "a photo of an old person"."""
    return prompt(SIDES[name][1])


def paper_preset(backbone: Backbone, name: str) -> LearnedAttribute:
    """The attribute as published: one pair, one seed, the full-width Φ."""
    spec = complete(learn_spec(name, [NEUTRAL], [target_of(name)], preset="paper"), backbone, "paper")
    plugins = load_plugins()
    return learn_attribute(spec, plugins.method(spec.method), backbone, plugins.sampler(spec.sampler))


def compare(bench: Bench, bank: Bank, name: str) -> dict[str, Any]:
    """One attribute at strength 1, the target prompt, and what a perfect edit costs."""
    edited = bench.edited([bench.act(stored(bank, name), 1.0)])
    return {
        "attrbank": _score(bench, name, edited),
        "target prompt": _score(bench, name, bench.switched(target_of(name), 1.0)),
        "limit": limit(bench.oracle, name),
    }


def rivals(bench: Bench, name: str) -> dict[str, Any]:
    """The other ways to do it: switching the prompt on the way, and the paper's preset."""
    switches = {f"switch {at:g}": _score(bench, name, bench.switched(target_of(name), at)) for at in SWITCHES}
    act = bench.act(paper_preset(bench.backbone, name), 1.0)
    return {**switches, "paper": _score(bench, name, bench.edited([act]))}


def _score(bench: Bench, name: str, latents: Any) -> dict[str, Any]:
    found = score(name, bench.before, bench.look(latents))
    return {**found._asdict(), "success": found.success._asdict()}


def limit(judge: oracle.Oracle, name: str, count: int = 256) -> float:
    """Perceptual distance of the renderer's own edit of rendered portraits: what a perfect edit costs."""
    goal, people = GOALS[name], draw(count, 10_000)
    lacking = people[people.column(goal.attribute) != float(goal.present)]
    perfect = lacking.having(goal.attribute, float(goal.present))
    return perceptual_distance(look_at(judge, render(lacking)), look_at(judge, render(perfect))).mean().item()


def composed(bench: Bench, bank: Bank, names: tuple[str, ...], strength: float) -> Share:
    """Share of all pictures in which every attribute of a composition is seen."""
    acts = [bench.act(stored(bank, name), strength) for name in names]
    return share(has_all(bench.look(bench.edited(acts)), names))


def main(
    seeds: Annotated[str, typer.Option(help="Judging seeds, 10000 and above.")] = "10000-10127",
    rival_seeds: Annotated[str, typer.Option(help="For prompt switches and the paper's preset.")] = "10000-10031",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("docs/measured.json"),
    bank: Annotated[Path | None, typer.Option(help="Default: the starter bank.")] = None,
) -> None:
    """Measure the starter bank and write the figures as JSON; print them as a table."""
    chosen = Bank.open(bank) if bank else Bank.starter()
    backbone, judge = load_plugins().backbone("portraits"), oracle.load("judge")
    figures: dict[str, Any] = {"seeds": seeds, "rival_seeds": rival_seeds, "prompt": NEUTRAL}
    figures |= {"composed": {}, "attributes": {name: {} for name in GOALS}}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("comparing", total=2 * len(GOALS))

        def keep(name: str, found: dict[str, Any]) -> None:
            figures["attributes"][name] |= found
            out.write_text(json.dumps(figures, indent=1) + "\n")
            progress.advance(task)

        bench = Bench(backbone, judge, NEUTRAL, parse_seeds(seeds))
        for names, strength in COMPOSITIONS:
            figures["composed"][f"{' + '.join(names)} at {strength:g}"] = composed(
                bench, chosen, names, strength
            )._asdict()
        for name in GOALS:
            keep(name, compare(bench, chosen, name))
        fewer = Bench(backbone, judge, NEUTRAL, parse_seeds(rival_seeds))
        for name in GOALS:
            keep(name, rivals(fewer, name))
    typer.echo(table(figures))


def best_switch(methods: dict[str, Any]) -> str:
    """The prompt switch with the highest success, the later one if several have it."""
    switches = [method for method in methods if method.startswith("switch")]
    return max(
        switches,
        default="switch –",
        key=lambda method: (methods[method]["success"]["value"], -float(method.split()[1])),
    )


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown: success [95 % interval] / flips / perceptual distance."""
    lines = [
        "| | images | attrbank | target prompt | best prompt switch | paper preset | limit |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, methods in figures["attributes"].items():
        switch = best_switch(methods)
        cells = [_cell(methods["attrbank"], interval=True), _cell(methods["target prompt"])]
        cells += [f"{switch.split()[1]} T: {_cell(methods.get(switch))}", _cell(methods.get("paper"))]
        total = methods["attrbank"]["success"]["total"]
        lines.append(f"| {name} | {total} | {' | '.join(cells)} | {methods['limit']:.2f} |")
    for name, found in figures["composed"].items():
        lines.append(f"| {name} | {found['total']} | {_interval(found)} | | | | |")
    return "\n".join(lines)


def _cell(found: dict[str, Any] | None, *, interval: bool = False) -> str:
    if found is None:
        return "–"
    success = _interval(found["success"]) if interval else f"{found['success']['value']:.2f}"
    return f"{success} / {found['flips']:.3f} / {found['perceptual']:.2f}"


def _interval(share: dict[str, Any]) -> str:
    return f"{share['value']:.2f} [{share['low']:.2f}, {share['high']:.2f}]"


if __name__ == "__main__":
    typer.run(main)
