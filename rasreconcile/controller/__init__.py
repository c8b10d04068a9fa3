"""The controller: the loop that makes the world what the spec says."""
