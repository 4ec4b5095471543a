"""The package as pip registers it, whether or not it is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import no_short_names, strict_numerics
from tests.helpers.registered import registered

__all__ = ["no_short_names", "strict_numerics"]


@pytest.fixture(scope="session", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The entry point of this package."""
    with registered("attrbank-avatars", tmp_path_factory.mktemp("installed")):
        yield
