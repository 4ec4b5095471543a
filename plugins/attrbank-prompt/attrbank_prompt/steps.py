"""How far a run has come."""

from __future__ import annotations


class Steps:
    """How far a run has come on its way from T_x to the end of the edit."""

    def __init__(self, timesteps: int, t_x: float, until: float) -> None:
        self._timesteps, self._t_x, self._until = timesteps, t_x, until

    def within(self, timestep: int, share: float) -> bool:
        """Whether the step from a timestep is one of the first, of which ``share`` in [0, 1] are meant."""
        last = self._t_x - share * (self._t_x - self._until)
        return share > 0 and (timestep + 1) / self._timesteps > last
