"""Flux.1: a transformer over packed latents, which says the velocity of a rectified flow."""
