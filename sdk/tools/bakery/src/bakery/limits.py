"""Bounds of bakery, each with its reason."""

SOURCE_BYTES_MAX = 64 << 20
"""All files of a project together. Programs are kilobytes; more means that the folder is something else (a home folder, say)."""

SOURCE_FILES_MAX = 2_000
"""For the same reason."""

CACHED_COMPONENTS_MAX = 24
"""Components kept in the cache, 20 MB each; the one used longest ago goes first."""

BUILD_TIMEOUT_S = 300
"""A build takes 5 to 10 seconds; a source that loops while it is imported would take for ever."""

LOG_CHARACTERS_MAX = 20_000
"""Of what a failing toolchain said: enough for a long traceback."""
