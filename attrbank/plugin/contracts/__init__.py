"""What everything that a plugin offers must keep, but a command, as suites that run with pytest or without.

Each suite is a class whose ``make`` returns what is to be tested, and whose ``test_...`` methods are the
promises. Under pytest, derive a class and let it be collected; ``attrbank.plugin`` has them, and fixtures::

    from attrbank.plugin import SamplerContract

    class TestEuler(SamplerContract):
        def make(self):
            return Euler()

``attrbank plugins check PATH`` runs them on a package, without pytest.
"""

from attrbank.plugin.contracts.backbone import BackboneContract
from attrbank.plugin.contracts.base import Contract, Outcome
from attrbank.plugin.contracts.executor import ExecutorContract
from attrbank.plugin.contracts.judge import JudgeContract
from attrbank.plugin.contracts.method import MethodContract
from attrbank.plugin.contracts.metric import MetricContract
from attrbank.plugin.contracts.sampler import SamplerContract

__all__ = [
    "BackboneContract",
    "Contract",
    "ExecutorContract",
    "JudgeContract",
    "MethodContract",
    "MetricContract",
    "Outcome",
    "SamplerContract",
]
