"""Clients of the graph that benches use; the only place here that knows ROS."""
