"""How much code a method is: the lines that are its own, of all that it is made of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from attrbank.plugins.manager import load_plugins
from lab.rooms import House

OFFERED_BY, SHARED = "attrbank.plugin", "attrbank.methods"
"""What this module offers of that room to everybody, such as the protocol, is no method's own."""
OURS = (SHARED, "attrbank.avi")
"""Where attrbank's own methods are; of a plugin, its package."""


def lines_of(house: House) -> dict[str, int]:
    """By name, for every registered method whose code is in the clone."""
    found = {each.spec.name: each.spec.target.partition(":")[0] for each in load_plugins().registrations("method")}
    return {name: _lines(house, module) for name, module in found.items() if module in house.files}


def _lines(house: House, module: str) -> int:
    return sum(code_lines(house.files[name]) for name in own_modules(house, module))


def own_modules(house: House, module: str) -> set[str]:
    """The module and what it imports, directly or not, of its own package, and not offered to everybody."""
    homes = OURS if module.startswith("attrbank.") else (module.partition(".")[0],)
    offered = {name for name in house.modules[OFFERED_BY] if name.startswith(SHARED)} - {module}
    found, ahead = set[str](), [module]
    while ahead:
        name = ahead.pop()
        if name not in found and name not in offered and name.startswith(homes):
            found.add(name)
            ahead.extend(house.modules[name])
    return found


def code_lines(path: Path) -> int:
    """Lines of statements, however they are laid out: without comments, docstrings and blank lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = list(_without_texts(node.body)) or [ast.Pass()]
    return sum(bool(line.strip()) for line in ast.unparse(tree).splitlines())


def _without_texts(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Without docstrings, which stand beneath constants and fields as well."""
    for node in body:
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield node
