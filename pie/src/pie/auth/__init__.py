"""Who may use the server: public keys, challenges, API keys."""
