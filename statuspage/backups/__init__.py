"""One file that holds all that an installation is, and how it comes back from there."""
