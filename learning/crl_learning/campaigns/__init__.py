"""Campaigns on the running graph of the policy: goals changed a thousand times, and nodes killed at random moments."""
