"""What a caller can ask for: each takes an actor, checks, records, wakes the controller. Synchronous and thread-safe."""
