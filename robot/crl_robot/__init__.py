"""Robot side of the goal-image control stack: contracts, safety, kinematics, arms, cameras and the simulated world."""
