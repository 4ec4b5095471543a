"""A fleet: orders that are checked whole, put beside those that share their runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attrbank.errors import AttrbankError, InvalidValueError
from attrbank.learning.fleet.orders import Order, Orders, twice
from attrbank.learning.fleet.row import place
from attrbank.learning.fleet.sheet import rows_of
from attrbank.text import printable


@dataclass(frozen=True)
class Fleet:
    """What is to be done for a file.

    Attributes:
        orders: to be learned; those that share their sources' runs stand beside each other.
        there: references of what the bank has already, exactly as the file asks for it.
        unsaid: of these, those of whom the file says tags or a note that the bank has not.
    """

    orders: tuple[Order, ...]
    there: tuple[str, ...]
    unsaid: tuple[Order, ...] = ()


class SheetError(InvalidValueError):
    """A file asks for what cannot be learned as it is written.

    Args:
        errors: each with its line.
        file: its name.
        total: how many attributes it names.
    """

    def __init__(self, errors: Sequence[AttrbankError], file: Path, total: int) -> None:
        self.errors = tuple(errors)
        wrong = f"{len(errors)} of {total} attributes in {printable(file.name)} cannot be learned as they are written"
        super().__init__(f"{wrong}; none was begun.")


def read_fleet(
    file: Path, bank: Path | str | None = None, *, backbone: str | None = None, replace: bool = False
) -> Fleet:
    """Read a file, and check it whole: nothing is loaded, and nothing is run.

    Args:
        file: TOML, YAML or CSV.
        bank: where attributes are to be stored; what it has already is not learned again.
        backbone: of attributes for which the file names none.
        replace: let names mean the new attributes if they are in use.

    Raises:
        AttrbankError: one attribute cannot be learned as it is written, or the file is none.
        SheetError: several cannot.
    """
    rows, errors, orders, unsaid = rows_of(file), list[AttrbankError](), list[Order](), list[Order]()
    for name, again in twice(rows).items():
        errors.append(InvalidValueError(f"{place(file, again.line)}: {printable(name)} is named a second time."))
    making, there = Orders(bank, backbone, replace=replace), list[str]()
    for row in rows:
        try:
            order = making.of(row)
            known = making.known(order)
        except AttrbankError as error:
            errors.append(error)
            continue
        if known is None:
            orders.append(order)
        else:
            there.append(known.reference)
            unsaid += [order] if making.unsaid(order, known) else []
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SheetError(errors, file, len(rows))
    return Fleet(tuple(_side_by_side(orders)), tuple(there), tuple(unsaid))


def _side_by_side(orders: Sequence[Order]) -> Iterator[Order]:
    """In the file's order, but for those who share something with an earlier one: they follow it."""
    groups: dict[tuple[object, ...], list[Order]] = {}
    for order in orders:
        groups.setdefault(order.shared, []).append(order)
    for group in groups.values():
        yield from group
