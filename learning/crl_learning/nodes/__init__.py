"""ROS 2 nodes around the goal-image policy; rclpy is imported only here."""
