"""Work that says where it is done."""

from __future__ import annotations

import os

from attrbank.executors.protocol import Tell, Work


def made(common: bytes) -> Work:
    def work(payload: bytes, tell: Tell) -> None:
        tell("\n".join((str(os.getpid()), os.getcwd(), os.environ["ATTRBANK_PLUGINS"])).encode())

    return work
