"""What goes wrong, told as the command line tells it."""

from __future__ import annotations

from typing import Any

from attrbank.errors import AttrbankError

CONSENT = "--force"


def told(error: AttrbankError) -> dict[str, Any]:
    """For the page; ``force`` says whether it can be had all the same, which is so where the hint names the option."""
    forcible = CONSENT in (error.hint or "")
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code, "force": forcible}
