"""A process of its own that is stopped at each of its calls to the system that change something, by ptrace.

Whoever watches may let a call happen, have it fail with an error of the system, or kill the process there: for good, by
SIGKILL, before the call. SQLite's calls are stopped as Python's are. Linux on x86-64 alone.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from attrbank.errors import AttrbankError

KILL = -signal.SIGKILL
TRACEBACK = 99
"""The exit code of a process whose error was no ``AttrbankError``."""

BY_PATH = {"open": 2, "truncate": 76, "rename": 82, "mkdir": 83, "rmdir": 84, "link": 86, "unlink": 87, "symlink": 88}
BY_FOLDER = {"openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265, "renameat2": 316}
BY_FILE = {"write": 1, "pwrite64": 18, "writev": 20, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "fallocate": 285}
NAMES = {number: name for group in (BY_PATH, BY_FOLDER, BY_FILE) for name, number in group.items()}
SYNCS = {"fsync", "fdatasync"}

_REGISTERS = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
    *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)
_TRACEME, _CONT, _GETREGS, _SETREGS, _SYSCALL, _SETOPTIONS = 0, 7, 12, 13, 24, 0x4200
_OPTIONS = 0x100000 | 0x80 | 0x1  # it dies with us; tell what the filter stops; mark stops at the ends of calls
_EVENT_SECCOMP = 7


class Registers(ctypes.Structure):
    """Of a stopped process."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in _REGISTERS]


class Call(NamedTuple):
    """A call that is about to happen to something below the folder that is watched.

    Attributes:
        number: how many there were before it.
        name: of the call, without ``at`` and ``64``.
        path: what it is about, or what it moves.
        process: who calls.
        arguments: as the system takes them; for calls with folders, without these.
    """

    number: int
    name: str
    path: str
    process: int
    arguments: tuple[int, ...]


class Ended(NamedTuple):
    """How a process came to its end: 0 is well, an ``AttrbankError`` gives its code; and after how many calls."""

    code: int
    calls: int
    said: str


Verdict = Callable[[Call], int]
"""0 lets a call happen, KILL kills, anything else is the ``errno`` with which it fails."""


def why_not() -> str | None:
    """The reason for which nothing can be watched here, if there is one."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return "only Linux on x86-64 is known"
    return None if run(lambda: None, Path("/nowhere"), lambda call: 0).code == 0 else "ptrace is not allowed here"


def run(
    act: Callable[[], object], folder: Path, verdict: Verdict, after: Callable[[Call, int], None] | None = None
) -> Ended:
    """Let a process of its own act, and watch what it does below a folder.

    Args:
        act: what it does.
        folder: an absolute path.
        verdict: asked before each call.
        after: told of each call that happened, with what it gave.
    """
    hears, tells = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(hears)
        _live(act, tells)
    os.close(tells)
    with open(hears, "rb") as pipe:
        code, calls = _Watch(process, f"{folder}/", verdict, after).to_the_end()
        return Ended(code, calls, pipe.read().decode(errors="replace"))


def _live(act: Callable[[], object], tells: int) -> None:
    """In the child: what it says and how it exits is all that comes of it."""
    code = TRACEBACK
    try:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _stop_at(sorted(NAMES))
        act()
        code = 0
    except AttrbankError as error:
        code = error.exit_code
        os.write(tells, error.message.encode(errors="replace"))
    except BaseException:
        os.write(tells, traceback.format_exc().encode(errors="replace")[-4000:])
    finally:
        os._exit(code)


class _Watch:
    """The parent's side of one process."""

    def __init__(self, process: int, folder: str, verdict: Verdict, after: Callable[[Call, int], None] | None) -> None:
        self.process, self.folder, self.verdict, self.after, self.calls = process, folder, verdict, after, 0

    def to_the_end(self) -> tuple[int, int]:
        """Its exit code, or KILL, and how many calls there were."""
        os.waitpid(self.process, 0)
        _ptrace(_SETOPTIONS, self.process, _OPTIONS)
        signalled = 0
        while True:
            _ptrace(_CONT, self.process, signalled)
            status = self._wait()
            if status is None:
                return self.code, self.calls
            stopped_by_filter = status >> 16 == _EVENT_SECCOMP
            signalled = 0 if stopped_by_filter else os.WSTOPSIG(status)
            if stopped_by_filter and not self._passes():
                self._wait()
                return KILL, self.calls

    def _wait(self) -> int | None:
        _, status = os.waitpid(self.process, 0)
        if os.WIFSTOPPED(status):
            return status
        self.code = os.waitstatus_to_exitcode(status)
        return None

    def _passes(self) -> bool:
        """Whether the process lives on after a call."""
        registers = Registers()
        _ptrace(_GETREGS, self.process, ctypes.addressof(registers))
        call = self._call(registers)
        if call is None:
            return True
        self.calls += 1
        judged = self.verdict(call)
        if judged == KILL:
            os.kill(self.process, signal.SIGKILL)
            return False
        if judged:
            registers.orig_rax, registers.rax = 2**64 - 1, 2**64 - judged
            _ptrace(_SETREGS, self.process, ctypes.addressof(registers))
        elif self.after:
            _ptrace(_SYSCALL, self.process)
            self._wait()
            _ptrace(_GETREGS, self.process, ctypes.addressof(registers))
            self.after(call, ctypes.c_longlong(registers.rax).value)
        return True

    def _call(self, registers: Registers) -> Call | None:
        """The call, unless it changes nothing or something elsewhere."""
        name = NAMES[registers.orig_rax]
        given = tuple(getattr(registers, key) for key in ("rdi", "rsi", "rdx", "r10", "r8", "r9"))
        if name in BY_FILE:
            try:
                path = os.readlink(f"/proc/{self.process}/fd/{given[0]}")
            except OSError:
                return None
        else:
            given = given[1:] if name in BY_FOLDER else given
            if name in {"renameat", "renameat2", "linkat"}:
                given = (given[0], *given[2:])
            path = text_at(self.process, given[0])
        plain = name.removesuffix("2").removesuffix("at") if name in BY_FOLDER else name.removesuffix("64")
        if not f"{path}/".startswith(self.folder) or (plain == "open" and not given[1] & (os.O_CREAT | os.O_TRUNC)):
            return None
        return Call(self.calls, plain, path, self.process, given)


def bytes_at(process: int, address: int, count: int) -> bytes:
    """What a stopped process holds there."""
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(count) or b""


def text_at(process: int, address: int) -> str:
    """A path in a stopped process."""
    first = 4096 - address % 4096  # what follows may not be there
    held = bytes_at(process, address, first)
    if b"\0" not in held:
        held += bytes_at(process, address + first, 4096)
    return os.fsdecode(held.partition(b"\0")[0])


def _ptrace(request: int, process: int, data: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, process, None, data) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def _stop_at(numbers: list[int]) -> None:
    """From now on, these calls of this process stop it: a filter of seccomp, as the system takes it."""
    load, equal, give, trace, allow = 0x20, 0x15, 0x06, 0x7FF00000, 0x7FFF0000
    tests = [(equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    program = [(load, 0, 0, 0), *tests, (give, 0, 0, allow), (give, 0, 0, trace)]
    instructions = (_Instruction * len(program))(*(_Instruction(*each) for each in program))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_filter, mode = 38, 22, 2
    libc.prctl(no_new_privileges, 1, 0, 0, 0)
    if libc.prctl(set_filter, mode, ctypes.byref(_Program(len(program), instructions)), 0, 0):
        raise OSError(errno.EPERM, "no filter can be set")


if __name__ == "__main__":
    print(why_not() or "")
