"""Trajectory store of the goal-image control stack: schema, writer, reader, recorder and scripted play."""
