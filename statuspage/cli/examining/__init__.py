"""What ``statuspage doctor`` looks at, one room of the installation a file."""
