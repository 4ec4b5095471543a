"""What every sampler, backbone, method and metric must keep, as suites that run with pytest or without.

Each suite is a class whose ``make`` returns what is to be tested, and whose ``test_...`` methods are the
promises. Under pytest, derive a class and let it be collected; ``attrbank.plugin`` has them, and fixtures::

    from attrbank.plugin import SamplerContract

    class TestEuler(SamplerContract):
        def make(self):
            return Euler()

``attrbank plugins check PATH`` runs them on a package, without pytest.
"""

from attrbank.plugin_kit.contracts.backbone import BackboneContract
from attrbank.plugin_kit.contracts.base import Contract, Outcome
from attrbank.plugin_kit.contracts.method import MethodContract
from attrbank.plugin_kit.contracts.metric import MetricContract
from attrbank.plugin_kit.contracts.sampler import SamplerContract

__all__ = ["BackboneContract", "Contract", "MethodContract", "MetricContract", "Outcome", "SamplerContract"]
