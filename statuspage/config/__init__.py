"""The configuration: read, validated, and handed to the rest of the house as values."""
