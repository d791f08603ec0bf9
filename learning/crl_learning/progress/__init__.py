"""What the critic says of the way to the goal, calibrated on held-out data: steps left, reached, not improving."""
