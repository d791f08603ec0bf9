"""Teleoperation without ROS: devices become Commands, Commands become Actions, buttons lead through a session."""
