"""Windows hosts over a share, in a desktop session. Not built yet."""
