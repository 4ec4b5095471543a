"""Learn, keep and apply named attributes for latent diffusion models.

::

    import attrbank

    result = attrbank.apply("young:0.7", "smile", seed=7)    # .before and .after are PIL pictures; Jupyter shows both
    result.save("younger.png")                               # the PNG carries the recipe that repeats it

    attrbank.learn("grin", source="a serious person", target="a smiling person")

    studio = attrbank.open("portraits")                      # a loaded model
    for strength in (0, 0.5, 1):
        studio.apply(f"smile:{strength}", seed=7)            # runs only the steps after the edit again

    print([entry.name for entry in attrbank.Bank.open().entries()])

Everything public is imported on first use, so that ``import attrbank`` loads neither torch nor diffusers. Whatever goes
wrong is an ``AttrbankError``; an argument of a name that nobody knows is a ``TypeError``, as everywhere in Python.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrbank.names import VERSION

if TYPE_CHECKING:
    from attrbank.errors import (
        AttrbankError as AttrbankError,
        BankBusyError as BankBusyError,
        CorruptArtifactError as CorruptArtifactError,
        IncompatibleError as IncompatibleError,
        InvalidValueError as InvalidValueError,
        NotFoundError as NotFoundError,
        NumericError as NumericError,
        PartialError as PartialError,
        PluginError as PluginError,
        StorageError as StorageError,
    )
    from attrbank.schema.carried import Recipe as Recipe
    from attrbank.store.bank import Bank as Bank
    from attrbank.store.entry import Entry as Entry
    from attrbank.studio.one_line import (
        apply as apply,
        learn as learn,
        open as open,  # noqa: A004 — as one says it
    )
    from attrbank.studio.result import Result as Result
    from attrbank.studio.studio import Studio as Studio

__version__ = VERSION

_HOME_OF = {
    "AttrbankError": "attrbank.errors",
    "Bank": "attrbank.store.bank",
    "BankBusyError": "attrbank.errors",
    "CorruptArtifactError": "attrbank.errors",
    "Entry": "attrbank.store.entry",
    "IncompatibleError": "attrbank.errors",
    "InvalidValueError": "attrbank.errors",
    "NotFoundError": "attrbank.errors",
    "NumericError": "attrbank.errors",
    "PartialError": "attrbank.errors",
    "PluginError": "attrbank.errors",
    "Recipe": "attrbank.schema.carried",
    "Result": "attrbank.studio.result",
    "StorageError": "attrbank.errors",
    "Studio": "attrbank.studio.studio",
    "apply": "attrbank.studio.one_line",
    "learn": "attrbank.studio.one_line",
    "open": "attrbank.studio.one_line",
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
