"""What every backbone and sampler shares: schedules, predictions and trajectories."""
