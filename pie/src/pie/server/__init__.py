"""The server: `async with Server(Config(...)) as server:`."""
