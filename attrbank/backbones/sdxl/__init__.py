"""Stable Diffusion XL: Stable Diffusion with two text encoders, and told the size of the picture."""
