"""A learned attribute: its bytes, what its strength means, which model it fits, and how it is handed on."""
