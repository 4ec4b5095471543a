"""Help: commands and options by what they are for, what everybody needs first, and examples that can be typed.

It is plain text, of which nothing is read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typer.core import TyperCommand

PANELS: Mapping[str, tuple[str, ...]] = {
    "Pictures": ("apply", "ui", "replay", "strip", "grid"),
    "Attributes": ("learn", "list", "show", "search", "similar", "diff", "gallery"),
    "Measuring": ("eval", "matrix", "compat"),
    "Keeping": ("rm", "restore", "rename", "alias", "tag", "note", "dedupe"),
    "Sharing": ("export", "import", "push", "pull"),
    "Upkeep": ("verify", "reindex", "backup", "prune", "doctor", "config"),
    "What there is": ("backbones", "samplers", "methods", "metrics", "judges", "executors", "plugins"),
}
"""The commands, by what they are for."""

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": ("attrbank apply young smile:0.5 --seed 7", "attrbank COMMAND --help"),
    "apply": ("attrbank apply young:0.7 smile --seed 7 -o you.png", "attrbank apply hat -i photo.png --mask head.png"),
    "replay": ("attrbank replay you.png", "attrbank replay you.png young:0.3 --seed 8"),
    "strip": ("attrbank strip smile --strengths -1:1:5", "attrbank strip smile young:0.5 --seeds 0-2"),
    "grid": (
        "attrbank grid --x young=0:1:5 --y smile=0:1:3",
        'attrbank grid smile --x "prompt=a photo of a man|a photo of a woman" --y seed=0-1',
    ),
    "learn": (
        'attrbank learn grin --source "a photo of a person" --target "a photo of a person, smiling"',
        "attrbank learn curls --source-image straight/ --target-image curly/",
    ),
    "list": ('attrbank list --sort score:desc --filter "score>0.9"', "attrbank list -q --tag face"),
    "show": ("attrbank show young", "attrbank show you.png"),
    "search": ("attrbank search glasses",),
    "similar": ("attrbank similar young --limit 5",),
    "diff": ("attrbank diff young old", "attrbank diff grin grin@3fa9c1 --all"),
    "dedupe": ("attrbank dedupe --above 0.9", "attrbank dedupe --remove"),
    "gallery": ("attrbank gallery -o bank.html",),
    "eval": ("attrbank eval young --quick --out out", "attrbank eval young smile --against none --card"),
    "matrix": ("attrbank matrix young smile hat",),
    "compat": ("attrbank compat", "attrbank compat old --backbone ./another-model"),
    "rm": ("attrbank rm grin", "attrbank restore grin"),
    "export": ("attrbank export young -o .", "attrbank export young smile --bundle -o pack"),
    "import": ("attrbank import young.safetensors", "attrbank import pack --on-conflict rename"),
    "push": ("attrbank push ./shared young --licence cc-by-4.0", "attrbank push hf://OWNER/NAME young"),
    "pull": ("attrbank pull ./shared young", "attrbank pull hf://OWNER/NAME"),
    "verify": ("attrbank verify --repair",),
    "backup": ("attrbank backup bank.tar", "attrbank backup bank.tar --restore --bank another"),
}
"""By command; the empty name is attrbank itself."""

PUBLISHED = "As published"
"""The panel of the paper's options, which stands last."""


class Sectioned(TyperCommand):
    """A command whose help has its options by what they are for, and examples at its end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options of its own, then those that it shares with others, and the paper's last."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                own = "Arguments" if param.param_type_name == "argument" else "Options"
                panels.setdefault(getattr(param, "rich_help_panel", None) or own, []).append(record)
        last = {PUBLISHED: panels.pop(PUBLISHED, [])}
        write_panels({**panels, **last}, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples."""
        write_examples(self.name or "", formatter)


def in_panels(commands: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Names and summaries of commands, by what they are for; those that no panel knows come last."""
    known = {name for names in PANELS.values() for name in names}
    panels = {**PANELS, "Others": tuple(name for name in commands if name not in known)}
    return {
        title: [(name, commands[name].help or "") for name in names if name in commands]
        for title, names in panels.items()
    }


def write_panels(panels: Mapping[str, Sequence[tuple[str, str]]], formatter: Any) -> None:
    """Lists of terms and what they are, each under its title."""
    for title, rows in panels.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def write_examples(command: str, formatter: Any) -> None:
    """Lines that can be typed as they stand, and are not wrapped."""
    if command in EXAMPLES:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in EXAMPLES[command]))
