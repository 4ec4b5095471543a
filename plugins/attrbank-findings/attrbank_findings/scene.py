"""What an inspection looks at: pictures of a backbone, and who reads them."""

from __future__ import annotations

from dataclasses import dataclass

from attrbank.plugin import RENDERED, SPLITS, Bench, OracleJudge, Role, format_seeds
from attrbank_findings.finding import Setting


@dataclass(frozen=True)
class Scene:
    """Pictures to look at.

    Attributes:
        bench: makes them, and makes them again with something changed.
        judge: reads them; None where no oracle knows the backbone's pictures.
    """

    bench: Bench
    judge: OracleJudge | None

    @classmethod
    def of(cls, bench: Bench) -> Scene:
        """With the oracle that may look: the judge at its own seeds, the tuner at all others."""
        if bench.backbone.name != RENDERED:
            return cls(bench, None)
        judging = all(seed >= SPLITS["judge"].first for seed in bench.seeds)
        role: Role = "judge" if judging else "tuner"
        return cls(bench, OracleJudge(role))

    @property
    def setting(self) -> Setting:
        """All of this as it is reported."""
        trajectory = self.bench.trajectory
        return Setting(
            backbone=self.bench.backbone.name,
            fingerprint=self.bench.backbone.fingerprint,
            prompt=self.bench.prompt,
            seeds=format_seeds(self.bench.seeds),
            sampler=trajectory.sampler.name,
            steps=trajectory.end,
            guidance_scale=trajectory.guidance_scale,
            oracle=self.judge.name if self.judge else None,
        )

    @property
    def timesteps(self) -> tuple[int, ...]:
        """The timesteps of the latents on the way, noisiest first, without the clean end."""
        return tuple(t for t, _ in self.bench.trajectory.grid)
