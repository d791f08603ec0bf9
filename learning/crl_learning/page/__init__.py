"""The operator's page and a run's report: everything but ROS, which stays in crl_learning.nodes."""
