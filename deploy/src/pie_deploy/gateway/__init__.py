"""The data plane: forwarding URLs to containers."""
