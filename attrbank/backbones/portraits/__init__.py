"""The embedded backbone: a small latent diffusion model of drawn portraits, and everything that made it."""
