"""How the embedded model was made: its words, its trainings, and the oracles that read its pictures."""
