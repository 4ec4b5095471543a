"""The four samplers against the contract, by the names under which they are registered."""

from __future__ import annotations

from importlib import import_module

import attrbank_ksamplers

from attrbank.plugin import SamplerContract, Spec


def test_each_is_made_under_the_name_and_with_the_capabilities_that_it_is_registered_with() -> None:
    specs: list[Spec] = []
    attrbank_ksamplers.register_samplers(specs.append)
    assert [spec.name for spec in specs] == ["euler", "euler-ancestral", "heun", "dpmpp-2m"]
    for spec in specs:
        module, _, function = spec.target.partition(":")
        sampler = getattr(import_module(module), function)()
        assert sampler.name == spec.name
        assert sampler.stochastic == ("stochastic" in spec.capabilities)


class TestEuler(SamplerContract):
    def make(self):
        return attrbank_ksamplers.euler()


class TestEulerAncestral(SamplerContract):
    def make(self):
        return attrbank_ksamplers.euler_ancestral()


class TestHeun(SamplerContract):
    order = 1  # second, but for the jump to the clean end, which is Euler's

    def make(self):
        return attrbank_ksamplers.heun()


class TestDpmpp2m(SamplerContract):
    order = 1  # as Heun's

    def make(self):
        return attrbank_ksamplers.dpmpp_2m()
