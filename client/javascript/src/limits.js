// Bounds of the client, each with its reason.

/** Bytes of a chunk, as all clients cut them. */
export const CHUNK_BYTES = 1 << 18;

/** Unread bytes of all processes. A browser cannot stop reading a socket: beyond this the process with most of them is let go. */
export const HELD_BYTES_MAX = 64 << 20;

/** Events of processes that this client has not heard of: an engine that sends them before its answer to the launch. */
export const EARLY_EVENTS_MAX = 1024;

/** Bytes of one file from a process: as much as an engine takes in the other direction. */
export const FILE_BYTES_MAX = 256 << 20;

/** Files of which some chunks have come: a process sends one after the other. */
export const FILES_PARTIAL_MAX = 256;

/** Characters of an MCP result: with what is around it, its frame stays below the 1 MiB that engines take. */
export const MCP_RESULT_CHARACTERS_MAX = 300_000;

/** Bytes that may wait in the socket before more of an upload is written: some chunks. */
export const BUFFERED_BYTES_MAX = 1 << 20;

/** How long a connection may take to open. */
export const OPEN_TIMEOUT_MS = 10_000;

/**
 * Without a frame for so long the engine is asked whether it is there; after as long again it is taken for gone. Browsers keep the
 * pings of WebSocket to themselves, so this is a request, and it waits behind requests that take time, such as compiling an upload.
 */
export const PING_INTERVAL_MS = 60_000;

/** How long an engine may take to log a client in again and give it its processes back, before the next attempt. */
export const RESTORE_TIMEOUT_MS = 30_000;

/** A connection that lived so long starts its attempts to reconnect from the beginning. */
export const STABLE_AFTER_MS = 10_000;

/** How long to try to get a process back that the engine still has for attached to the old connection. */
export const REATTACH_TIMEOUT_MS = 30_000;

/** Between two such attempts. */
export const REATTACH_PAUSE_MS = 250;
