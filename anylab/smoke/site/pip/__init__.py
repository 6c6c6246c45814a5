"""A recorder in the place of pip: a smoke run writes down what would be installed and installs nothing."""
