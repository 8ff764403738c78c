"""The ways in which a notification reaches people, one a file."""
