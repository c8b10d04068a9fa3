"""Existing clusters. Not built yet."""
