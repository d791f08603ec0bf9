"""Real cameras behind the `Camera` protocol, what watches over them, and their calibration. None of it needs ROS."""
