"""The docker worker: one container for each run, on a daemon here or elsewhere."""
