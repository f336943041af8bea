"""What the KV cache tells about itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KvStatistics:
    """Counts of pages, but for the last four."""

    total: int
    free: int
    resting: int
    """Kept because somebody may ask for the same tokens again; given away when needed."""
    leaving: int
    """Waiting for batches on their way."""
    owned: int
    shared: int
    indexed: int
    lineages: int
    adopted_tokens: int
    """Tokens that did not have to be computed, since the start."""
    evictions: int
