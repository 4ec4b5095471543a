"""How much of a change a method's vectors explain, where it has measured that about the mean."""

from __future__ import annotations

from attrbank.methods.protocol import Learned


def explained(learned: Learned) -> float | None:
    """What the method says, else what follows from its core's share of the variance about the mean; or None.

    The mean d̄ of the differences dⁿ explains nothing of that variance, however much they have in common. Of all change
    it explains ‖d̄‖² / mean ‖dⁿ‖², which is 1 / unit² (docs/method.md 5.4), and a core its share of the rest.
    """
    if learned.explains is not None:
        return learned.explains
    beyond = learned.fields.get("measured", {}).get(f"explained_variance_{learned.fields.get('core')}")
    unit = learned.fields.get("units", {}).get("mean")
    return None if beyond is None or unit is None else 1 - (1 - beyond) * (1 - unit**-2)
