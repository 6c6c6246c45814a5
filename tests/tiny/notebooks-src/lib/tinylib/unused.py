"""Imported by nobody, so it does not travel."""
