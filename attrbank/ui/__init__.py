"""``attrbank ui``: a local page with a slider for every attribute. What it asks, a ``Studio`` draws; see docs/ui.md."""
