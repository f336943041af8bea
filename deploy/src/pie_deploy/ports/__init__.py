"""What the platform needs from the outside: a store and launchers."""
