"""A package: what runs for all of its tests, a browser and two demos, ends with the last of them."""
