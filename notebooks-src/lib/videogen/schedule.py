"""The noise levels of a clip: those that a distilled model was trained on, or a solver's for any number of steps.

A distilled Wan is sampled by predicting the clean clip and adding fresh noise at the next level (DMD). Diffusers has
that as stochastic sampling of its Euler scheduler, but its pipelines hand no generator to `step`, so the noise would
come from the global one and a seed would not give the same clip twice. Here the scheduler holds its own.
"""

import functools
from collections.abc import Sequence

SEEDS = 2**31  # a clip's seed is below; torch's generator for the processor reads 32 bits


@functools.cache
def _ladder_class():
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteSchedulerOutput

    class LadderScheduler(FlowMatchEulerDiscreteScheduler):
        """Always the given noise levels; fresh noise from its own generator, made on the processor so that a seed
        gives the same clip on every card."""

        levels: tuple[float, ...] = ()
        noise: torch.Generator | None = None

        def set_timesteps(self, num_inference_steps=None, device=None, sigmas=None, mu=None, timesteps=None):
            super().set_timesteps(sigmas=list(self.levels), device=device)

        def step(self, model_output, timestep, sample, return_dict=True, **others):
            if not self.config.stochastic_sampling:
                return super().step(model_output, timestep, sample, return_dict=return_dict, **others)
            if self.step_index is None:
                self._init_step_index(timestep)
            now, then = self.sigmas[self.step_index], self.sigmas[self.step_index + 1]
            clean = sample.float() - now * model_output.float()
            fresh = torch.randn(sample.shape, generator=self.noise).to(sample.device)
            self._step_index += 1
            previous = (1 - then) * clean + then * fresh
            return (previous,) if not return_dict else FlowMatchEulerDiscreteSchedulerOutput(prev_sample=previous)

    return LadderScheduler


def ladder(levels: Sequence[float], seed: int, stochastic: bool):
    """A scheduler for these noise levels (1 is all noise), its own noise drawn from `seed`."""
    import torch

    scheduler = _ladder_class()(shift=1.0, stochastic_sampling=stochastic)
    scheduler.levels = tuple(levels)
    # a row of its own: the first noise's would repeat it, and seed + 1 would be the next clip's first noise
    scheduler.noise = torch.Generator().manual_seed(seed + SEEDS)
    return scheduler


def solver(shift: float):
    """The solver for an undistilled flow model with any number of steps."""
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def of(model, seed: int):
    """The scheduler of a model (registry.Model) for one clip."""
    return ladder(model.ladder, seed, model.stochastic) if model.ladder else solver(model.shift)
