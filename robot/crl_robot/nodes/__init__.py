"""ROS 2 nodes around arm and cameras: wiring only, everything that decides lives in plain Python beside them."""
