"""The worker: holds the model and the KV cache, computes batches. Started as a child process of the engine."""
