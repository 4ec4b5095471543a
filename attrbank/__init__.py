"""Learn, keep and apply named attributes for latent diffusion models.

::

    import attrbank

    bank = attrbank.Bank.open()
    print([entry.name for entry in bank.entries()])

Everything public is imported on first use, so that ``import attrbank`` loads neither torch nor diffusers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrbank.editing.batch import apply_all as apply_all
    from attrbank.editing.batch_plan import BatchRequest as BatchRequest
    from attrbank.editing.request import ApplyRequest as ApplyRequest
    from attrbank.editing.run import apply as apply
    from attrbank.errors import AttrbankError as AttrbankError
    from attrbank.errors import BankBusyError as BankBusyError
    from attrbank.errors import CorruptArtifactError as CorruptArtifactError
    from attrbank.errors import IncompatibleError as IncompatibleError
    from attrbank.errors import InvalidValueError as InvalidValueError
    from attrbank.errors import NotFoundError as NotFoundError
    from attrbank.errors import NumericError as NumericError
    from attrbank.errors import PartialError as PartialError
    from attrbank.errors import PluginError as PluginError
    from attrbank.errors import StorageError as StorageError
    from attrbank.learning.run import learn as learn
    from attrbank.plugins.hookspecs import Spec as Spec
    from attrbank.plugins.hookspecs import hookimpl as hookimpl
    from attrbank.schema import LearnSpec as LearnSpec
    from attrbank.schema import PromptPair as PromptPair
    from attrbank.store.bank import Bank as Bank

__version__ = "0.1.0"

_HOME_OF = {
    "ApplyRequest": "attrbank.editing.request",
    "AttrbankError": "attrbank.errors",
    "Bank": "attrbank.store.bank",
    "BatchRequest": "attrbank.editing.batch_plan",
    "BankBusyError": "attrbank.errors",
    "CorruptArtifactError": "attrbank.errors",
    "IncompatibleError": "attrbank.errors",
    "InvalidValueError": "attrbank.errors",
    "LearnSpec": "attrbank.schema",
    "NotFoundError": "attrbank.errors",
    "NumericError": "attrbank.errors",
    "PartialError": "attrbank.errors",
    "PluginError": "attrbank.errors",
    "PromptPair": "attrbank.schema",
    "Spec": "attrbank.plugins.hookspecs",
    "StorageError": "attrbank.errors",
    "apply": "attrbank.editing.run",
    "apply_all": "attrbank.editing.batch",
    "hookimpl": "attrbank.plugins.hookspecs",
    "learn": "attrbank.learning.run",
}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 — the table above is the list


def __getattr__(name: str) -> Any:
    """The public object of that name, imported now (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'attrbank' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
