"""Tables as Markdown has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A header, a rule and the rows."""
    return "\n".join([_line(columns), "|---" * len(columns) + "|", *map(_line, rows)])


def interval(estimate: Mapping[str, float]) -> str:
    """An ``Estimate``, dumped: ``0.95 [0.91, 0.98]``."""
    return "{value:.2f} [{low:.2f}, {high:.2f}]".format(**estimate)


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
