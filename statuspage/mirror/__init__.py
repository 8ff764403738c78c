"""The public face as files for any static host: whole versions in a directory, switched at once, and what is done when all else is dead."""
