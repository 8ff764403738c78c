"""The schema's steps, from the first one on; a store is brought up to date when it is opened."""
