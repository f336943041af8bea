"""Who may use the server: users and their public keys, API keys."""
