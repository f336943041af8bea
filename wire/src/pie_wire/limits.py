"""Bounds on what comes over the wire or out of a file, each with its reason."""

PROGRAM_NAME_LENGTH_MAX = 100
"""Characters. A name becomes a folder name and a part of a file name; file systems end at 255 bytes."""

VERSION_LENGTH_MAX = 40
"""Characters. Three numbers of any use fit; the version becomes a part of a file name."""

MANIFEST_LENGTH_MAX = 1 << 20
"""Characters. A manifest is a page of text, with its readme a few dozen; more is a mistake or an attack on the parser."""

FRAME_BYTES_MAX = 1 << 20
"""A frame in either direction. The published Python clients close their connection at a larger one."""

EVENT_CHARACTERS_MAX = 240_000
"""Characters of one event's text: whatever they are, in UTF-8 the frame stays below `FRAME_BYTES_MAX`."""

CHUNK_BYTES = 1 << 18
"""Bytes of a chunk, as all clients cut them."""
