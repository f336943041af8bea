"""What runs in a container, one module for each language."""
