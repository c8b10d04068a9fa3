"""One look at a spec: its plans, what is on disk, what is remembered, and what each worker could compute."""
