"""A session of a few lines, so that the golden notebooks stay small enough to review."""
