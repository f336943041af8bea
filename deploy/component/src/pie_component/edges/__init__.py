"""The two ends of an edge: ZeroMQ with bounded queues and credit."""
