"""rosbridge_server without ROS, and the robots that stand behind it."""
