"""Bounds of the SDK, each with its reason."""

TURNS_WITHOUT_POLL_MAX = 64
"""Turns of busy tasks before the engine is asked what became ready: a spinning task must not starve the waiting ones, and a poll
costs about as much as running dozens of callbacks."""

STREAM_AHEAD_TOKENS_MAX = 64
"""Tokens that a streamed generation may run ahead of the program. Enough that the model never waits for a program that reads
steadily; what is thrown away when the program stops reading stays small."""

UNBOUNDED_CHUNK_TOKENS = 2**32 - 1
"""Chunk size of a generation that is read as a whole: the program is woken once, at the end."""

FILE_PIECE_BYTES = 256 << 10
"""Bytes of a file per crossing: as many as the engine takes."""
