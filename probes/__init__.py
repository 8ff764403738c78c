"""Measure the world, never judge it."""
