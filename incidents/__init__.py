"""Judge what was measured, never touch the world."""
