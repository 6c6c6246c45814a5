"""What the collection shows of itself: the README table now; gallery and guide later."""
