"""Ways to end a writing program or its disk at bad moments, and proof of what is left."""
