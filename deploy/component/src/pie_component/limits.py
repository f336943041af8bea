"""Every bound inside a container, with its reason. One section per subject."""

# --- Edges -----------------------------------------------------------------------------------------------------------

WINDOW_MESSAGES = 1024
"""Under way and queued on one edge: some milliseconds of small messages, so that a producer never waits for a round trip."""

WINDOW_BYTES = 64 << 20
"""As above: some dozen large arrays, and what a container may hold for each of its edges."""

BATCH_MESSAGES_MAX = 256
"""In one batch: the costs per batch are paid off, and the consumer starts working while the next one is made."""

BATCH_BYTES_MAX = 1 << 20
"""Above which a batch is sent off without waiting for more."""

PENDING_BATCHES_MAX = 4
"""Of one edge, waiting for credit: then the component's function is not called."""

MESSAGE_BYTES_MAX = 512 << 20
"""Of one value: what a container's memory bears several times. Larger ones are failures."""

SLICE_NS = 1_000_000
"""How long the function is called again and again before what it gave is sent off: a millisecond more in a chain is felt."""

REOPEN_S = 0.5
"""A producer that is not connected, or has waited so long for credit, says `Open` again."""

SETTLE_S = 0.1
"""A consumer that has been idle so long tells what it has taken."""

SOCKET_BUFFER_BYTES = 1 << 20
"""Of the kernel, per edge: an array crosses in few pieces."""

RECONNECT_MS = 20
"""Between attempts to reach a consumer that starts anew."""

# --- Worker ----------------------------------------------------------------------------------------------------------

IDLE_S = 1.0
"""Longest sleep of the worker: nothing depends on it, but a lost wake-up would not be for ever."""

ASYNC_CALLS_MAX = 16
"""Of an `async` function, under way at once."""

ASYNC_ITEMS_MAX = 256
"""Results of one async generator that are not yet emitted; then it waits."""

VIRTUAL_MESSAGES_MAX = 1024
"""In a virtual input or output: pushing more waits."""

FAILURES_LOGGED_PER_S = 20
"""Of a component that fails at every message, ten thousand times a second: its log would be nothing else. All are counted."""

FAILURE_TEXT_MAX = 2_000
"""Characters of a failure that travel to the caller; the log has the rest."""

EXIT_GRACE_S = 5.0
"""For sockets to close and the author's own threads to end after the worker has; then the process ends without them."""

DRAIN_S = 3.0
"""After SIGTERM, for what was accepted to be done and to reach the consumers: with what closing takes, below the grace of ten
seconds that the platform gives.
"""

DRAIN_POLL_S = 0.02
"""Between two looks meanwhile: what handlers and calls have come to is not always told."""

# --- Control ---------------------------------------------------------------------------------------------------------

HELLO_S = 15.0
"""`Hello` is said again this often, and whenever the connection is a new one: a control plane that started anew knows nothing."""

CONTROL_BACKLOG_MAX = 100
"""Messages kept for a control plane that is away; `Hello` says what matters of older ones."""

REFUSAL_LINGER_S = 2.0
"""For the last word of a container that ends."""

PORT_POLL_S = 0.05
"""How often a command's ports are tried until they accept."""

# --- Endpoints -------------------------------------------------------------------------------------------------------

REQUESTS_MAX = 1024
"""At once in one container; more are answered 503."""

INGRESS_MESSAGES_MAX = 1024
"""Of one input, brought by endpoints and not yet taken; more are answered 503."""

INGRESS_BYTES_MAX = 64 << 20
"""Of one body that becomes a value; the gateway's own limit is usually far lower."""

INGRESS_QUEUE_BYTES_MAX = 256 << 20
"""Of all bodies together that are not yet complete, and of those in one input's queue."""

HANDLER_THREADS_MAX = 16
"""For handlers that are not `async`."""

RESPONSE_HEADERS_CHARS_MAX = 32 << 10
"""Of names and values: what clients and proxies take, and with every character in four bytes still less than a message's head."""

SUBSCRIBERS_MAX = 1024
"""Of all egress endpoints of one container."""

SUBSCRIBER_BYTES_MAX = 4 << 20
"""Waiting for one subscriber beside its credit: who reads slower is dropped. A few pictures; all subscribers share their bytes."""

POSTED_MAX = 10_000
"""Values on their way from the worker to the thread of the endpoints; then the worker waits."""

EMITTED_BACKLOG_MAX = 1024
"""Answers kept for a gateway that is not connected for a moment."""

EMITTED_BACKLOG_BYTES_MAX = 64 << 20
"""Of them together."""

ANSWERED_IDS_MAX = 8192
"""Requests that an egress remembers to have answered: a caller gets one answer, also of a stream that would have thousands."""

PAUSED_POLL_S = 0.01
"""How often a WebSocket is looked at whose messages the input had no room for."""

KEEPALIVE_S = 15.0
"""Between comments on a silent stream of events, so that nobody in between thinks that it is dead."""

# --- Inferlets -------------------------------------------------------------------------------------------------------

ENGINE_PAUSE_S = 0.5
"""Between attempts to reach an engine that does not answer."""

ENGINE_WAIT_S = 15.0
"""How long a message waits for an engine that is away; then it is a failure. An engine starts anew in a few seconds."""

INFERLET_CALLS_MAX = 16
"""Processes of one vertex at once: enough to fill an engine's batches, few enough that all get on."""

# --- Trying out ------------------------------------------------------------------------------------------------------

TRIAL_QUIET_S = 2.0
"""For an answer that does not come: a function may have none."""

TRIAL_GRACE_S = 8.0
"""For a container to end after SIGTERM: more than it takes to drain."""
