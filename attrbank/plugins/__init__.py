"""How attrbank is extended: the hooks, who answers them, and the guard between one plugin and the next."""
