"""Every bound of the platform, with its reason. One section per subject."""

# --- Graphs --------------------------------------------------------------------------------------------------------

VERTICES_MAX = 20_000
"""Of one backend: far above what a person draws, low enough that checking a whole graph stays under a second."""

OPERATIONS_PER_REQUEST_MAX = 10_000
"""Of one atomic batch: a large declarative file, not a log to import."""
