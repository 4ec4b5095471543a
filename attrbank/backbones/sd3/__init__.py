"""Stable Diffusion 3.x: a transformer that says the velocity of a rectified flow."""
