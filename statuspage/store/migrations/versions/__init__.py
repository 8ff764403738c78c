"""One step a file, numbered; a step that was released never changes."""
