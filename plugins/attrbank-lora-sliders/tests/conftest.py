"""The method, as pip registers it; without peft there is nothing to test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attrbank.plugin import tmp_bank
from tests.conftest import no_short_names, strict_numerics, tiny_pipeline
from tests.helpers.registered import registered

__all__ = ["no_short_names", "strict_numerics", "tiny_pipeline", "tmp_bank"]

pytest.importorskip("peft", reason="peft, which this package takes, is not installed")


@pytest.fixture(scope="session", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The entry point of this package, whether or not it is installed."""
    with registered("attrbank-lora-sliders", tmp_path_factory.mktemp("installed")):
        yield
