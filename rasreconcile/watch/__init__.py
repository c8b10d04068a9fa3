"""Watching: apply again whenever inputs, spec or git change."""
