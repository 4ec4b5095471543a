"""What there is to choose from, and what is allowed, in words; without pydantic, whose import takes its time."""

from __future__ import annotations

from typing import Literal

MAX_ATTRIBUTES, MAX_PROMPT, MAX_LABEL = 64, 2000, 200
"""The most attributes of one picture, and the most characters of a prompt and of a name that is not a ``Name``."""

Vectors = Literal["difference", "paper"]
Core = Literal["mean", "mlp", "conv", "own", "live", "path", "distil"]
ON_THE_WAY: frozenset[Core] = frozenset({"live", "path"})
"""The cores that act a little at several times, which their records hold; the others act once, at T_x."""
Tail = Literal["text", "alg1"]
Solver = Literal["mlp", "exact"]
Weights = Literal["blend", "s", "s+ds", "s_x"]
BankedZ = Literal["banked", "own"]
Preset = Literal["paper"]
Inversion = Literal["ddim", "refined"]
Split = Literal["judge", "tune"]

ALLOWED = {
    "t_x": "Times are fractions of the whole: above 0 and up to 1, such as 0.4.",
    "delta_tau": "T_z = T_x + Δτ lies between 0 and T_x, so Δτ is usually about -0.2.",
    "branch": "Times are fractions of the whole: from T_x to 1.",
    "seeds": "Seeds are whole numbers from 0 to 2^63 - 1, such as 0-63.",
    "steps": "Between 1 and 1000 steps; 25 to 50 are usual.",
    "guidance_scale": "Between 0 and 100; 1 is no guidance.",
    "rank": "Between 1 and the latent's smaller side; 4 is usual.",
    "k": "From 1 to one less than the latent's smaller side; leave it out for half.",
}
"""By field, what a user may give."""
