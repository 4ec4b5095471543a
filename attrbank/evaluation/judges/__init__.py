"""Who says whether an attribute is seen, and what else has changed."""
