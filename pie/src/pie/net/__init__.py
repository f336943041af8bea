"""Client connections: the WebSocket protocol."""
