"""Work that does nothing of use: what executors are tried with, and their cost is measured with."""

from __future__ import annotations

import os
import time

from attrbank.executors.protocol import Tell, Work

TARGET = "attrbank.executors.trial:made"
RAISE, DIE, LONG = b"raise", b"die", b"long"


def made(common: bytes) -> Work:
    """Says every payload again, in two messages, the first with what all tasks have in common before it."""

    def work(payload: bytes, tell: Tell) -> None:
        tell(common + payload)
        if payload == RAISE:
            raise ArithmeticError("as it was asked to")
        if payload == DIE:
            time.sleep(1)  # until the message is there
            os._exit(1)
        if payload == LONG:
            time.sleep(600)
        tell(payload)

    return work
