"""The four samplers against the contract, by the names under which they are registered."""

from __future__ import annotations

import attrbank_ksamplers
import pytest

from attrbank.plugin_manager import Plugin, PluginManager
from attrbank.testing import SamplerContract


@pytest.fixture(scope="module")
def plugins() -> PluginManager:
    manager = PluginManager()
    manager.load(Plugin("ksamplers", "attrbank_ksamplers", "attrbank-ksamplers", "0.1.0"))
    return manager


@pytest.mark.parametrize("name", ["euler", "euler-ancestral", "heun", "dpmpp-2m"])
def test_each_is_to_be_had_by_its_name(plugins: PluginManager, name: str) -> None:
    assert plugins.sampler(name).name == name


class TestEuler(SamplerContract):
    def make(self):
        return attrbank_ksamplers.euler()


class TestEulerAncestral(SamplerContract):
    def make(self):
        return attrbank_ksamplers.euler_ancestral()


class TestHeun(SamplerContract):
    order = 0  # its jump to the clean end is Euler's, and cancels errors of the other sign on coarse grids

    def make(self):
        return attrbank_ksamplers.heun()


class TestDpmpp2m(SamplerContract):
    def make(self):
        return attrbank_ksamplers.dpmpp_2m()
