"""This machine as a worker."""
