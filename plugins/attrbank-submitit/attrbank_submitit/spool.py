"""What a job tells, in a file that grows: messages, each after its length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrbank.plugin import Job

LENGTH = 8
LARGEST = 2**31


class Spool:
    """Reads what has been told since it was read last.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._read = path, 0

    def told(self) -> Iterator[bytes]:
        """Messages that are there as a whole.

        Raises:
            ValueError: a length is beyond all reason.
        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            while len(head := file.read(LENGTH)) == LENGTH:
                length = int.from_bytes(head, "little")
                if length > LARGEST:
                    raise ValueError(f"a job tells of a message of {length} bytes")
                message = file.read(length)
                if len(message) < length:
                    return
                self._read += LENGTH + length
                yield message


def done(job: Job, payload: bytes, spool: Path) -> str | None:
    """In the job: do a task, and write what it tells; what it raised, if it did."""
    try:
        work = job.arrived()
        with spool.open("ab") as file:

            def tell(message: bytes) -> None:
                file.write(len(message).to_bytes(LENGTH, "little") + message)
                file.flush()

            work(payload, tell)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return None
