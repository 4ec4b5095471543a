"""Measures what edits do, with oracles that read the truth back from pictures."""
