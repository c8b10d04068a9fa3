"""Engines: how a plan is computed."""
