"""Bounds of the client, each with its reason."""

from pie_wire.limits import FRAME_BYTES_MAX

INCOMING_FRAME_BYTES_MAX = 16 * FRAME_BYTES_MAX
"""Our engine stays below `FRAME_BYTES_MAX`; the one of Pie 0.4 does not, and a frame refused costs the whole connection."""

BACKLOG_EVENTS_MAX = 4096
"""Unread events of one process after which the socket is not read any further: what the engine holds per process, too."""

BACKLOG_BYTES_MAX = 4 << 20
"""The same in bytes (and characters of text)."""

HELD_BYTES_MAX = 64 << 20
"""Unread bytes of processes that nobody reads, while somebody else waits for an answer or an event: reading goes on that far, so
that one forgotten process does not bring the client to a stand."""

EARLY_EVENTS_MAX = 1024
"""Events of processes that this client has not heard of: an engine that sends them before its answer to the launch. The oldest go
first."""

FILE_BYTES_MAX = 256 << 20
"""Bytes of one file from a process: as much as an engine takes in the other direction."""

FILES_PARTIAL_MAX = 256
"""Files of which some chunks have come: a process sends one after the other."""

CLOSE_TIMEOUT_S = 2.0
"""How long the other side may take for its part of closing a connection."""

OPEN_TIMEOUT_S = 10.0
"""How long opening a connection may take: more than a slow network needs."""

PING_INTERVAL_S = 20.0
"""Between two questions whether the engine is still there."""

PING_TIMEOUT_S = 20.0
"""How long it may take to say so. An engine answers between two batches; one that compiles a program may take seconds."""

STABLE_AFTER_S = 10.0
"""A connection that lived so long starts its attempts to reconnect from the beginning; one that keeps breaking at once does not."""

RESTORE_TIMEOUT_S = 30.0
"""How long an engine may take to log a client in again and give it its processes back, before the next attempt."""

REATTACH_TIMEOUT_S = 30.0
"""How long to try to get a process back that the engine still has for attached: it has not noticed yet that the old connection is
gone."""

REATTACH_PAUSE_S = 0.25
"""Between two such attempts."""

MCP_LINE_BYTES_MAX = 16 << 20
"""A message of an MCP server: a page with pictures in base64 fits."""

MCP_RESULT_BYTES_MAX = 900_000
"""A result that is relayed: with what is around it, its frame stays below `FRAME_BYTES_MAX`."""

MCP_REQUESTS_MAX = 256
"""Requests relayed at the same time. More is a program that does not wait for answers; they are refused."""

MCP_START_TIMEOUT_S = 60.0
"""How long an MCP server may take to start: `npx` and `uvx` download some of them first."""

MCP_CALL_TIMEOUT_S = 300.0
"""How long one call may take: tools run programs and wait for people."""

MCP_STOP_TIMEOUT_S = 2.0
"""How long an MCP server may take to end after its input was closed; then it is told, then killed."""

REGISTRY_TIMEOUT_S = 30.0
"""How long a registry may take to answer."""

REGISTRY_ANSWER_BYTES_MAX = 8 << 20
"""Of what a registry says about one program: thousands of versions."""
