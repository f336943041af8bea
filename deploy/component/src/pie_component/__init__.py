"""What the author of a component imports."""
