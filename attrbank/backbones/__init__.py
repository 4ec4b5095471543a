"""Backbones: models that encode prompts, predict noise and turn latents into pictures."""
