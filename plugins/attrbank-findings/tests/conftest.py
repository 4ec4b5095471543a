"""The tiny model and its attribute, as evaluations have them, and the command, as pip registers it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import no_short_names, strict_numerics, tiny_pipeline
from tests.helpers.registered import registered
from tests.helpers.tiny_bench import backbone, bench, learned, stocked, subject

__all__ = [
    "backbone",
    "bench",
    "learned",
    "no_short_names",
    "stocked",
    "strict_numerics",
    "subject",
    "tiny_pipeline",
]


@pytest.fixture(scope="session", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The entry point of this package, whether or not it is installed."""
    with registered("attrbank-findings", tmp_path_factory.mktemp("installed")):
        yield
