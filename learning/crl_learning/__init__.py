"""Offline contrastive RL for goal images: sampler, networks, algorithms, trainer, checkpoint and goal policy."""
