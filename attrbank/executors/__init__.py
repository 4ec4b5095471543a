"""Where work that can be divided is done: in this process, or by workers of an engine that somebody else has built."""
