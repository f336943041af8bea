"""What clients and engine say to each other. No I/O."""
