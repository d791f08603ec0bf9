"""Far goals: waypoints on the way to a goal image, taken from frames of the data; `plan(view, goal, count)`."""
