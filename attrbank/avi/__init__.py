"""The mathematics of attribute vectors: pure tensor functions that can be read beside the paper.

Wang et al., arXiv 2502.02225. Where the paper leaves something open, the docstring says what was chosen.

====================  =======================  ==============================================================
symbol                name in code             meaning and shape
====================  =======================  ==============================================================
x, z                  ``x``, ``z``             latents at T_x (source prompt) and T_z (target prompt), (B, C, H, W)
U, S, V               ``u``, ``s``, ``vh``     thin SVD per channel: (B, C, H, r), (B, C, r), (B, C, r, W)
r                     ``r``                    min(H, W), the number of singular vectors
k                     ``k``                    head size, 1 ≤ k < r: x keeps its k strongest vectors
ρ                     ``rho``                  how much of the tail comes from z, in [0, 1]
Û, V̂                  ``u_hat``, ``vh_hat``    x's head beside the blended tail: (B, C, H, r), (B, C, r, W)
Ũ, Ṽ                  ``reverse_order``        Û, V̂ in reversed order
ŷ, ỹ                  ``reconstruct``          Û diag(S) V̂ and Ũ diag(S+Δs) Ṽ, (B, C, H, W)
Δs                    ``delta_s``              S + Δs weighs the reversed vectors, (B, C, r)
Φ                     ``SingularValueNet``     the network x → (S, Δs); ``CoreNet``, ``DifferenceNet`` for differences
λ1..λ4                ``Lambdas``              weights of the objective's terms L1..L4
x̂0, ẑ0                ``x0``, ``z0``           predicted clean latents, (B, C, H, W)
ᾱ                     ``alpha_bar``            cumulative signal variance of the schedule, in [0, 1]
dⁿ                    ``differences``          √ᾱ(T_x) (ẑ0ⁿ − x̂0ⁿ) of seed n, (M, C, H, W)
U_d, V_d              ``DifferenceVectors``    left and right attribute vectors, (C, H, r) and (C, r, W)
K                     ``core``                 joins them: U_d K V_d is a difference, (..., C, r, r)
====================  =======================  ==============================================================

Read in this order: ``factors``, ``integrate`` (Algorithm 1), ``objective``, ``exact``, ``difference``, ``network``,
``fit``, ``difference_net``, ``fit_difference``.
Everything here is exact to the bit for a given machine, thread count and generator; latents are small, so callers move
them to the CPU first.
"""
