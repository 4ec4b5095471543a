"""Attributes of attrbank as nodes of ComfyUI, which looks for the two names below in a folder of ``custom_nodes``.

Nothing of ComfyUI is imported, and nothing is added to its page: the nodes work on what it hands them.
"""

from __future__ import annotations

from attrbank_comfyui.nodes import EditLatent, LoadAttribute, PatchModel, Sheet, StepOf, Strip

NODE_CLASS_MAPPINGS = {
    "AttrbankLoad": LoadAttribute,
    "AttrbankStep": StepOf,
    "AttrbankEdit": EditLatent,
    "AttrbankPatch": PatchModel,
    "AttrbankStrip": Strip,
    "AttrbankSheet": Sheet,
}
"""What workflows call each node. A name in here stays, or saved workflows would break."""

NODE_DISPLAY_NAME_MAPPINGS = {
    "AttrbankLoad": "Load attribute (attrbank)",
    "AttrbankStep": "Step of an attribute (attrbank)",
    "AttrbankEdit": "Edit latent (attrbank)",
    "AttrbankPatch": "Patch model (attrbank)",
    "AttrbankStrip": "Strip of latents (attrbank)",
    "AttrbankSheet": "Sheet of a strip (attrbank)",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
