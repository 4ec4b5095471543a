"""Methods of plugins that leave out what most methods leave out."""

from __future__ import annotations

from typing import Any

from attrbank.methods.protocol import Method


def completed(method: Any) -> Method:
    """The method, with the defaults of ``Method`` for what it leaves out."""
    return method if isinstance(method, Method) else _Completed(method)


class _Completed(Method):
    """A method that does not derive from ours."""

    def __init__(self, own: Any) -> None:
        self.__dict__.update({name: getattr(own, name) for name in dir(own) if not name.startswith("_")})
