"""A library of the tiny collection."""
