"""Verdicts, runs and events as text for people and as plain values for programs."""
