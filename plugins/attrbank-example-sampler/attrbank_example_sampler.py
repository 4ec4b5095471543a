"""Adams: DDIM that also looks back. Second order, for the price of first."""

from math import acos, sqrt

from attrbank.plugin import Spec, hookimpl, timestep_grid


@hookimpl
def register_samplers(register):
    """Offer the sampler; the class is not touched before somebody asks for it."""
    register(Spec("adams", "DDIM with a memory, of second order.", target="attrbank_example_sampler:Adams"))


class Adams:
    """Adams and Bashforth's second method, in the angle φ = arccos √ᾱ along which a latent turns from noise to x0."""

    name = "adams"
    stochastic = False
    order = 2  # halving the step divides the error by 4: ``attrbank plugins check`` looks

    def grid(self, steps, schedule):
        """The model's own spacing."""
        return timestep_grid(steps, schedule)

    def step(self, x, prediction, t, t_prev, schedule, noise, state):
        """Take DDIM's step, then bend it as the path has bent since the last one."""
        now, goal = schedule.alpha_bar(t), schedule.alpha_bar(t_prev)
        x_prev = sqrt(goal) * prediction.x0 + sqrt(1 - goal) * prediction.eps
        angle = acos(sqrt(now))
        if state is not None:  # None at the start and after an edit: then this step is DDIM's
            last_angle, last = state
            ratio = (angle - acos(sqrt(goal))) / (last_angle - angle)
            bend = sqrt(now) * (prediction.eps - last.eps) - sqrt(1 - now) * (prediction.x0 - last.x0)
            turn = sqrt(now) * sqrt(1 - goal) - sqrt(goal) * sqrt(1 - now)  # sin(φ_prev − φ)
            x_prev = x_prev + ratio / 2 * turn * bend
        return x_prev, (angle, prediction)
