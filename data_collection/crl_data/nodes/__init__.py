"""ROS nodes of the data side; everything under here needs rclpy."""
