"""What ``statuspage import`` reads of other products, and what it makes of it."""
