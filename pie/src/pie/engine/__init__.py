"""The engine: models, sandbox, processes put together. The composition root of `pie run` (and later `pie serve`)."""
