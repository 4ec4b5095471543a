"""How attributes are learned and applied; AVI is the first method."""
