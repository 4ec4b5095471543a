"""The paper's findings about singular vectors of latents (Wang et al., arXiv 2502.02225), on any backbone."""
