"""Installed plugins for tests: a folder on ``sys.path`` with a module and the metadata of its distribution."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

OFFERS_EULER = """
from attrbank.plugins.hookspecs import Spec, hookimpl

@hookimpl
def register_samplers(register):
    register(Spec("euler", "Euler's method.", target="attrbank_euler:Euler"))

class Euler:
    name = "euler"
"""


BROKEN = {
    "raises": "raise ValueError('no luck')",
    "exits": "raise SystemExit(0)",
    "needs-missing": "import a_package_that_nobody_has",
    "syntax": "def broken(:",
    "ends-the-process": "import os; os._exit(0)",
    "wrong-hook-name": """
        from attrbank.plugins.hookspecs import hookimpl

        @hookimpl
        def register_sampler(register): ...
        """,
    "wrong-argument": """
        from attrbank.plugins.hookspecs import hookimpl

        @hookimpl
        def register_samplers(registrar): ...
        """,
    "not-a-spec": """
        from attrbank.plugins.hookspecs import hookimpl

        @hookimpl
        def register_samplers(register):
            register("euler")
        """,
    "raises-in-hook": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            register(Spec("half", "Registered before the failure.", target="half:half"))

        @hookimpl
        def register_methods(register):
            raise RuntimeError("too late")
        """,
    "own-interrupt": """
        class Stop(KeyboardInterrupt): ...
        raise Stop
        """,
    "unspeakable": """
        class Unspeakable(Exception):
            def __str__(self):
                return self.reason

        raise Unspeakable
        """,
    "taken-name": OFFERS_EULER,
    "reserved-name": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            register(Spec("ddim", "Mine.", target="a:b"))
        """,
    "same-name-twice": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            for _ in range(2):
                register(Spec("half", "One too many.", target="a:b"))
        """,
    "bad-name": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            register(Spec("../ddim", "Nobody can type it.", target="a:b"))
        """,
    "summary-is-no-text": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            register(Spec("half", 5, target="a:b"))
        """,
    "capabilities-are-no-tuple": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            register(Spec("half", "One capability of ten letters.", capabilities="stochastic", target="a:b"))
        """,
    "changes-a-spec": """
        from attrbank.plugins.hookspecs import Spec, hookimpl

        @hookimpl
        def register_samplers(register):
            spec = Spec("half", "Changed after it was registered.", target="a:b")
            register(spec)
            spec.name = "ddim"
        """,
}
"""One plugin for each way in which loading one fails; ``euler`` is taken by another that was loaded before."""

MISBEHAVED = {
    "prints": "print('hello')",
    "closes-stdout": "import sys; print('goodbye'); sys.stdout.close()",
    "slow": "import time; time.sleep(2.05)",
}
"""Those that load, and are named all the same."""

FAILS_AT_ITS_WORK = """
from attrbank.diffusion.schedule import timestep_grid
from attrbank.plugins.hookspecs import Spec, hookimpl

@hookimpl
def register_samplers(register):
    register(Spec("broken", "Looks sound.", target="attrbank_broken:Broken"))

class Broken:
    name, stochastic = "broken", False

    def grid(self, steps, schedule):
        return timestep_grid(steps, schedule)

    def step(self, x, *rest):
        return x.reshape(-1, 7), None
"""


def install(folder: Path, distribution: str, code: str, *, entry_point: str | None = None) -> Path:
    """Lay a distribution with one module into ``folder``, which is then to be put on the path."""
    module = distribution.replace("-", "_")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    target = entry_point or module
    (metadata / "entry_points.txt").write_text(f"[attrbank]\n{distribution.removeprefix('attrbank-')} = {target}\n")
    (folder / f"{module}.py").write_text(dedent(code))
    return folder
