"""Hosts with SSH as workers."""
