"""Results: what an HDF says, what it should say, and putting it in its place."""
