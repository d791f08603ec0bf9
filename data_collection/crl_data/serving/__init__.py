"""Stored frames for training: from memory, a cache or the disk."""
