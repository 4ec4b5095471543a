"""``attrbank doctor``: what is here, and what is wrong with it, said as it is found out."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import typer

from attrbank.cli import terminal
from attrbank.cli.options import BankOption, JsonOption
from attrbank.errors import AttrbankError, NotFoundError, PluginError, StorageError
from attrbank.files import settings
from attrbank.names import VERSION
from attrbank.store.bank import Bank
from attrbank.store.layout import default_bank

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")
LITTLE = 1e9
"""Bytes; with less free space, a warning is given."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        state: "ok", "warning" (it works all the same) or "wrong".
        detail: what was found.
        hint: what helps, if anything does.
        code: for what is wrong, the exit code that other commands would end with.
    """

    what: str
    state: Literal["ok", "warning", "wrong"]
    detail: str
    hint: str | None = None
    code: int = 0


def doctor(*, as_json: JsonOption = False, bank: BankOption = None) -> None:
    """Say what is here, and what is wrong. Versions, settings, banks, models, plugins, space and devices are looked at.

    Exits with the code of the first thing that is wrong, or with 0.
    """
    findings = []
    for finding in examine(bank):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        terminal.document([asdict(finding) for finding in findings])
    wrong = [finding.code for finding in findings if finding.state == "wrong"]
    if wrong:
        raise typer.Exit(wrong[0])


def examine(bank: Path | None) -> Iterator[Finding]:
    """Look at one thing after the other; what takes longest, torch and its devices, comes last."""
    looks: dict[str, Callable[[], Iterator[Finding]]] = {
        "attrbank": _versions,
        "settings": _settings,
        "bank": lambda: _bank(bank),
        "starter bank": _starter,
        "space": lambda: _space(bank or default_bank()),
        "short names": _short_names,
        "plugins": _plugins,
        "devices": _devices,
    }
    for what, look in looks.items():
        try:
            yield from look()
        except AttrbankError as error:
            yield _wrong(what, error)


def _tell(finding: Finding) -> None:
    mark = "" if finding.state == "ok" else f"{finding.state}: "
    hint = f" {finding.hint}" if finding.hint else ""
    terminal.lines([f"{finding.what:<13} {mark}{finding.detail}{hint}"])
    terminal.flush()


def _wrong(what: str, error: AttrbankError) -> Finding:
    return Finding(what, "wrong", error.message, error.hint, error.exit_code)


def _versions() -> Iterator[Finding]:
    yield Finding("attrbank", "ok", f"{VERSION}, Python {platform.python_version()}, {platform.platform(terse=True)}")
    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    yield Finding("libraries", "ok", ", ".join(found))
    if missing:
        yield _wrong("libraries", NotFoundError(f"{', '.join(missing)} cannot be found.", "Install attrbank again."))


def _settings() -> Iterator[Finding]:
    held = settings.read()
    values = ", ".join(f"{name} = {value}" for name in settings.NAMES if (value := settings.get(name)))
    yield Finding("settings", "ok", f"{settings.path()}: {values or 'none are set'}")
    if unknown := sorted(held.keys() - settings.NAMES.keys() - {settings.SHORT_NAMES}):
        yield Finding("settings", "warning", f"there is no setting {', '.join(unknown)}", "attrbank config has those.")


def _bank(path: Path | None) -> Iterator[Finding]:
    bank = Bank.open(path)
    own = Bank(bank.path).count()
    there = bank.path.is_dir()
    yield Finding("bank", "ok", f"{bank.path}, {own} attributes" if there else f"{bank.path}, which learn will create")
    if there and not os.access(bank.path, os.W_OK):
        raise StorageError(f"{bank.path} cannot be written.", "Name another with --bank, or change its permissions.")


def _starter() -> Iterator[Finding]:
    yield Finding("starter bank", "ok", f"{Bank.starter().count()} attributes")


def _space(folder: Path) -> Iterator[Finding]:
    standing = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(standing).free
    state: Literal["ok", "warning"] = "warning" if free < LITTLE else "ok"
    yield Finding("space", state, f"{free / 1e9:.1f} GB free at {standing}")


def _short_names() -> Iterator[Finding]:
    from attrbank.backbones import short_names, sources

    for name, reference in short_names.read_table().items():
        try:
            sources.resolve(reference, download=False)
            yield Finding("short name", "ok", f"{name} is {reference}")
        except AttrbankError as error:
            yield Finding("short name", "warning", f"{name} is {reference}: {error.message}", error.hint)


def _plugins() -> Iterator[Finding]:
    from attrbank.plugins.manager import load_plugins

    for plugin in load_plugins().plugins:
        if plugin.error is not None:
            failed = f"{plugin.name} of {plugin.distribution} failed: {plugin.error}."
            error = PluginError(failed, f"To remove it: {plugin.remedy}")
            yield _wrong("plugin", error)
        elif not plugin.built_in:
            yield Finding("plugin", "ok", f"{plugin.name} of {plugin.distribution} {plugin.version}")


def _devices() -> Iterator[Finding]:
    yield Finding("devices", "ok", ", ".join(devices()))


def devices() -> list[str]:
    """The kinds of devices that this machine has, the CPU first."""
    from attrbank.backbones.parts.devices import devices_here  # torch: seconds

    return devices_here()
