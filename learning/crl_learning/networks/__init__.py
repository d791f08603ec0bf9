"""What is learned: encoders of observations, critics, values and policies."""
