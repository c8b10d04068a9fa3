"""Edits: the changes made in the copy of an input that a run gets; the project itself is never touched."""
