"""The simulated WidowX 250s, its cameras and its tasks in MuJoCo, behind the same protocols as hardware."""
