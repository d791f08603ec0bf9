"""A run towards goal images without ROS: when it acts, when it ends and why."""
