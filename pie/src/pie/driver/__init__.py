"""What runs forward passes: the port, its messages, and the drivers."""
