"""Every bound of the worker, with its reason. What comes from a model folder was written by strangers."""

CONFIG_BYTES_MAX = 1 << 20
"""config.json: a few kilobytes in practice."""

INDEX_BYTES_MAX = 64 << 20
"""model.safetensors.index.json: about 100 bytes per tensor; the largest models have some 100,000."""

LAYERS_MAX = 1024
HIDDEN_SIZE_MAX = 1 << 17
HEADS_MAX = 4096
HEAD_DIM_MAX = 1024
VOCABULARY_SIZE_MAX = 1 << 22
"""Several times the largest of each that exists: a number above is a broken file, not a model, and would only end in a failed
allocation somewhere far from the cause."""

CONTEXT_MAX = 1 << 20
"""Longest context we take on, whatever the model claims: bounds positions and the length of page lists."""

CREW_THREADS_MAX = 4
"""Up to so many threads spin for a moment, and leave a step to one of them where the cores are not free: see `pie_worker.crew`."""

SPINS = 10_000
"""How often a thread of OpenMP looks again before it sleeps: some 0.1 ms."""
