"""ROS nodes that only benches need."""
