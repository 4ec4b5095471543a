"""What the documents show, as steps that make it: commands, and the files that they write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.starter_prompts import PAIRS

FIRST, PEOPLE = 10_000, 32
"""The first judging seed, and how many people most tables judge."""


@dataclass(frozen=True)
class Step:
    """A part of the work.

    Attributes:
        name: what ``--only`` calls it.
        writes: what it makes in the clone.
        commands: what follows ``python -m``. ``{out}`` is a scratch folder; what the step makes is taken from there
            when all commands have succeeded. A step without it writes to its place by itself. For the rest in braces
            see ``filled``.
        needs: packages of ``plugins/`` without which its result would be incomplete.
        after: steps whose results it looks at.
        alone: whether it measures time, so that nothing else may run.
        by_hand: whether a page tells of it in words that are to be written anew then; only ``--only`` does it.
    """

    name: str
    writes: tuple[str, ...]
    commands: tuple[str, ...]
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    alone: bool = False
    by_hand: bool = False

    @property
    def in_place(self) -> bool:
        """Whether it writes to its place by itself."""
        return not any("{out}" in command for command in self.commands)


ALL = " ".join(PAIRS)
RIVALS = tuple(f"attrbank-{name}" for name in ("asyrp", "guidance", "loco", "lora-sliders", "prompt", "pullback"))
FINDINGS = (
    *("sweep.json", "sweep-1.png", "order.json", "order.png", "distance.json", "distance.png"),
    *("ablation.json", "ablation.png", "rho.json", "rho-smile.png"),
)
STEPS: tuple[Step, ...] = (
    Step(
        "eval",
        ("docs/figures.json",),
        (f"attrbank eval {ALL} --against target-prompt,prompt-switch --quick --seeds {{people}} --out {{out}}",),
    ),
    Step("cards", ("bank/cards",), ("lab.cards --figures docs/figures.json --out bank",), after=("eval",)),
    Step("previews", ("bank/previews",), ("lab.previews --bank bank",)),
    Step(
        "matrix",
        ("bank/matrix.json",),
        (f"attrbank matrix {ALL} --seeds {{quarter}} --largest 2 --out {{out}} --save --bank {{out}}",),
    ),
    Step(
        "placebo", ("docs/placebo.json",), ("lab.figures.placebo --seeds {half} --work {out} --out {out}/placebo.json",)
    ),
    Step(
        "shortfalls",
        ("docs/shortfalls.json",),
        ("lab.figures.shortfalls --seeds {quarter} --out {out}/shortfalls.json",),
    ),
    Step("agreement", ("docs/agreement.json",), ("lab.figures.agreement --out {out}/agreement.json",)),
    Step(
        "new-truth",
        ("docs/new-truth.json", "docs/sliders.png"),
        (
            "lab.figures.new_truth --backbone portraits --work {out} --out {out}/new-truth.json",
            "lab.figures.sliders --out {out}/sliders.png",
        ),
    ),
    Step(
        "graded-sheet",
        ("docs/portraits.png",),
        ("lab.portraits.sheet --rows 8 --model attrbank/backbones/portraits/model --out {out}/portraits.png",),
    ),
    Step(
        "avatars-sheet",
        ("plugins/attrbank-avatars/sheet.png",),
        ("lab.avatars.sample plugins/attrbank-avatars/attrbank_avatars/model {out}/sheet.png",),
        needs=("attrbank-avatars",),
    ),
    Step("bars", ("docs/bars.json",), ("lab.figures.bars --out {out}/bars.json",), alone=True),
    Step(
        "compositions",
        ("docs/compositions.json",),
        ("lab.figures.compositions --seeds {people} --out {out}/compositions.json",),
    ),
    Step("strengths", ("docs/strengths.json",), ("lab.figures.strengths --seeds {people} --out {out}/strengths.json",)),
    Step("negatives", ("docs/negatives.json",), ("lab.figures.negatives --seeds {people} --out {out}/negatives.json",)),
    Step(
        "samplers",
        ("docs/samplers.json",),
        ("lab.figures.samplers --seeds {quarter} --out {out}/samplers.json",),
        needs=("attrbank-example-sampler", "attrbank-ksamplers"),
    ),
    Step(
        "pictures",
        ("docs/pictures.json", "docs/pictures.png"),
        ("lab.figures.pictures --count {half_count} --out {out}/pictures.json --picture {out}/pictures.png",),
    ),
    Step("sheet", ("docs/contact-sheet.png",), ("lab.figures.sheet --out {out}/contact-sheet.png",)),
    Step("page", ("docs/ui.png",), ("lab.figures.page --out {out}/ui.png",), after=("previews", "matrix")),
    Step(
        "first-edit",
        ("docs/first-edit.png",),
        ("attrbank apply young smile --rho 0.7 --seed 2 -o {out}/first-edit.png",),
    ),
    Step(
        "findings",
        tuple(f"docs/findings/{name}" for name in FINDINGS),
        tuple(
            f"attrbank inspect {what} --out {{out}}"
            for what in ("sweep", "order", "distance", "ablation smile", "rho smile")
        ),
        needs=("attrbank-findings",),
        by_hand=True,
    ),
    Step(
        "guidance",
        ("docs/guidance.json", "plugins/attrbank-guidance/sheet.png"),
        ("lab.figures.guidance --work {out} --out {out}/guidance.json --picture {out}/sheet.png",),
        needs=("attrbank-guidance",),
        by_hand=True,
    ),
    Step(
        "prompts",
        ("docs/prompts.json", "plugins/attrbank-prompt/sheet.png"),
        (
            "lab.figures.prompts --work {out} --out {out}/prompts.json",
            "lab.figures.prompts_sheet --out {out}/sheet.png",
        ),
        needs=("attrbank-prompt",),
        by_hand=True,
    ),
    Step(
        "comparison",
        ("docs/comparison.json",),
        ("lab.figures.comparison --backbone portraits --work {out} --out {out}/comparison.json",),
        needs=RIVALS,
        by_hand=True,
    ),
    Step(
        "comparison-avatars",
        ("docs/comparison-avatars.json",),
        ("lab.figures.comparison --backbone avatars --work {out} --out {out}/comparison-avatars.json",),
        needs=(*RIVALS, "attrbank-avatars"),
        by_hand=True,
    ),
    Step(
        "paper-grid",
        ("docs/paper-grid.json",),
        ("lab.figures.paper_grid --out {out}/paper-grid.json",),
        by_hand=True,
    ),
)


def filled(command: str, out: Path, people: int = PEOPLE) -> list[str]:
    """The words of a command.

    Args:
        command: with ``{people}``, ``{half}`` or ``{quarter}`` for the seeds of so many judged people, ``{half_count}``
            for their number, and ``{out}``.
        out: the scratch folder.
        people: how many are judged where most are.
    """
    parts = {"people": people, "half": people // 2, "quarter": people // 4}
    meant = {name: f"{FIRST}-{FIRST + count - 1}" for name, count in parts.items()}
    meant |= {"half_count": str(parts["half"]), "out": str(out)}
    return [word.format(**meant) for word in command.split()]
