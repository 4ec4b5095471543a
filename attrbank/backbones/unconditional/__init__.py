"""Unconditional models: DDPM, DDIM, and LDM on a VQ codec."""
