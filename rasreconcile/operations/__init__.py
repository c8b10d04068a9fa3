"""The verbs that never loop, a module each."""
