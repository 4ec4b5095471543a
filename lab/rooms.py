"""Count the house: ``python -m lab.rooms``.

A room is a folder or module at the top of ``attrbank/``, or one of ``lab/`` and ``plugins/``. An arrow goes from a room
to each other one that it imports, anywhere in it and for type checkers alone included. A room stands one floor above
the highest that it imports.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple, TypeAlias

import typer

Arrows: TypeAlias = Mapping[str, frozenset[str]]
"""Who imports whom: of modules, or of rooms."""

ORDER = (
    ("errors", "text"),
    ("names", "files"),
    ("schema",),
    ("avi", "diffusion", "store"),
    ("samplers", "methods", "pictures", "executors"),
    ("backbones", "attribute"),
    ("plugins",),
    ("editing", "learning"),
    ("evaluation", "diffusers"),
    ("cli", "studio"),
    ("plugin", "ui", "attrbank"),
    ("__main__", "plugins/"),
    ("lab/",),
)
"""Layers, the lowest first; the first three are the ground. A room may import those of lower layers, and no others."""

MOST_ROOMS, MOST_FLOORS, MOST_ARROWS = 30, 10, 180  # the tenth is the laboratory, which trains what packages bring


@dataclass(frozen=True)
class House:
    """All modules of a clone but its tests.

    Attributes:
        root: the clone.
    """

    root: Path

    @cached_property
    def files(self) -> dict[str, Path]:
        """Module -> its file; packages under their own names."""
        return {_module_of(path.relative_to(self.root)): path for path in self._paths()}

    @cached_property
    def modules(self) -> Arrows:
        """Module -> those of ours that it imports."""
        return {
            module: frozenset(name for name in self._imported(path) if name in self.files and name != module)
            for module, path in self.files.items()
        }

    @cached_property
    def rooms(self) -> Arrows:
        """Room -> the other rooms that it imports."""
        rooms: dict[str, set[str]] = {self.room_of(module): set() for module in self.files}
        for module, imported in self.modules.items():
            rooms[self.room_of(module)] |= {self.room_of(name) for name in imported} - {self.room_of(module)}
        return {room: frozenset(imported) for room, imported in rooms.items()}

    def room_of(self, module: str) -> str:
        """The room that a module is in; ``attrbank`` itself is one."""
        top = self.files[module].relative_to(self.root).parts[0]
        return f"{top}/" if top != "attrbank" else [*module.split("."), module][1]

    def _paths(self) -> Iterator[Path]:
        for top in ("attrbank", "lab", "plugins"):
            paths = (self.root / top).rglob("*.py")
            yield from sorted(p for p in paths if "tests" not in p.relative_to(self.root).parts)

    def _imported(self, path: Path) -> Iterator[str]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):  # a name may be a module of the package, or something in it
                names = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from (name if name in self.files else str(node.module) for name in names)


def _module_of(path: Path) -> str:
    parts = path.with_suffix("").parts[2 if path.parts[0] == "plugins" else 0 :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(arrows: Arrows) -> list[tuple[str, ...]]:
    """Groups of which each member reaches every other, each sorted."""
    reached = {start: _reached(arrows, start) for start in arrows}
    groups = {tuple(sorted(b for b in reached[a] if a in reached[b])) for a in arrows if a in reached[a]}
    return sorted(groups)


def _reached(arrows: Arrows, start: str) -> set[str]:
    reached: set[str] = set()
    ahead = list(arrows[start])
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += arrows[name]
    return reached


def floors(arrows: Arrows) -> dict[str, int]:
    """Each room's floor, those without imports on the first; what lies in a circle has the highest of all, and more."""
    found = dict.fromkeys(arrows, 1)
    for _ in arrows:  # a chain passes no room twice, unless there is a circle
        found = {name: 1 + max((found[other] for other in arrows[name]), default=0) for name in arrows}
    return found


def arrows_up(arrows: Arrows) -> list[tuple[str, str]]:
    """Pairs of rooms of which the first imports one that is not of a lower layer."""
    layer = {room: height for height, rooms in enumerate(ORDER) for room in rooms}
    return sorted((a, b) for a, imported in arrows.items() for b in imported if layer[a] <= layer[b])


class Count(NamedTuple):
    """What the house comes to.

    Attributes:
        circles: of modules.
        up: arrows that the order does not allow.
    """

    rooms: int
    floors: int
    arrows: int
    circles: list[tuple[str, ...]]
    up: list[tuple[str, str]]

    @property
    def is_in_order(self) -> bool:
        """Whether there is not more of anything than there may be."""
        sizes = self.rooms <= MOST_ROOMS and self.floors <= MOST_FLOORS and self.arrows <= MOST_ARROWS
        return sizes and not self.circles and not self.up


def count(house: House) -> Count:
    """Count a house."""
    rooms = house.rooms
    arrows = sum(map(len, rooms.values()))
    return Count(len(rooms), max(floors(rooms).values()), arrows, circles(house.modules), arrows_up(rooms))


def _table(house: House) -> Iterator[str]:
    rooms, heights = house.rooms, floors(house.rooms)
    imported_by = {room: sum(room in imported for imported in rooms.values()) for room in rooms}
    yield f"{'ROOM':12} FLOOR MODULES IMPORTS BY  OF"
    for room in sorted(rooms, key=lambda room: (heights[room], room)):
        modules = sum(house.room_of(module) == room for module in house.files)
        names = " ".join(sorted(rooms[room]))
        yield f"{room:12} {heights[room]:5} {modules:7} {len(rooms[room]):7} {imported_by[room]:2}  {names}".rstrip()


def _summary(found: Count) -> tuple[str, str]:
    return (
        f"{found.rooms} rooms (at most {MOST_ROOMS}), {found.floors} floors ({MOST_FLOORS}), "
        f"{found.arrows} arrows ({MOST_ARROWS}).",
        f"Circles of modules: {found.circles or 'none'}. Arrows up: {found.up or 'none'}.",
    )


def main(*, as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False) -> None:
    """Count rooms, floors and arrows; exit with 1 if there is more of one than there may be."""
    house = House(Path(__file__).resolve().parents[1])
    found = count(house)
    lines = [json.dumps(found._asdict(), indent=2)] if as_json else [*_table(house), "", *_summary(found)]
    typer.echo("\n".join(lines))
    raise typer.Exit(0 if found.is_in_order else 1)


if __name__ == "__main__":
    typer.run(main)
