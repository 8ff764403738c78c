"""Where everything that lasts is kept, and the only SQL in the house."""
