"""The recorded past, gone through once more."""
