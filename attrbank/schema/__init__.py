"""The records that cross a boundary: what is asked, what artifacts store, what pictures carry, what was measured."""
