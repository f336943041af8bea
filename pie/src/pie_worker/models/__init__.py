"""Models: one module per architecture, over a shared decoder."""
