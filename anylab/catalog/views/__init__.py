"""The parts of the guide, one module a family: each gives sections made from the table of facts."""
