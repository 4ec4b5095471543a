"""How the embedded model was made: captions, training, export, and the oracles that read its pictures."""
