"""Planned work: what may be planned, how a window runs, what is said of it."""
