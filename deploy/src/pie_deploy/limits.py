"""Every bound of the platform, with its reason. One section per subject."""

# --- Graphs --------------------------------------------------------------------------------------------------------

VERTICES_MAX = 20_000
"""Of one backend: far above what a person draws, low enough that checking a whole graph stays under a second."""

OPERATIONS_PER_REQUEST_MAX = 100_000
"""Of one atomic batch: a declarative file of the largest graph, with a few edges and values per vertex."""

# --- Deployments, placement, leases ----------------------------------------------------------------------------------

DURATION_CHARACTERS_MAX = 100
"""Of a duration: every unit with nineteen digits fits; a megabyte of digits is an attack on the parser."""

MAC_KEY_BYTES = 32
"""Of the key of the forwarding tokens: what HMAC-SHA256 makes full use of."""

FORWARDING_TOKEN_BYTES = 20
"""160 bits: guessing is hopeless, and it is a whole number of base32 characters."""

RESTART_BACKOFF_FIRST_NS = 10**9
"""Wait before a crashed container starts again the first time; doubles with each crash in the window."""

RESTART_BACKOFF_MAX_NS = 30 * 10**9
"""Longest wait: with a larger crash budget a container is still tried twice a minute."""

DEPLOYMENT_WINDOW_NS = 24 * 3600 * 10**9
"""What a running deployment's life is extended by: a forgotten failure is reclaimed within a day."""

FIXED_DURATION_MIN_NS = 10**9
"""Shortest fixed duration: less would end before a container can start."""

STARTUP_TIMEOUT_NS = 300 * 10**9
"""Default of the time from accepted to running: what a first build of an environment may take."""

STARTUP_TIMEOUT_MAX_NS = 24 * 3600 * 10**9
"""Longest start-up time-out that a deploy may ask for: model downloads of hours are possible, days are a mistake."""

STOP_GRACE_NS = 10 * 10**9
"""Between SIGTERM and SIGKILL when a container is stopped."""

LEASE_TTL_DEFAULT_NS = 3600 * 10**9
"""Unattended life of a lease when its maker names none."""

LEASE_TTL_MAX_NS = 7 * 24 * 3600 * 10**9
"""Longest unattended life of a lease: nothing leaks for more than a week."""

TRANSFORMATION_CPU = 0.01
"""Cores that a transformation's container asks for: next to none, so that graphs may use many."""

TRANSFORMATION_MEMORY_BYTES = 64 << 20
"""Memory that a transformation's container asks for: a Python interpreter with our libraries and full queues."""

# --- Manifests and documents -----------------------------------------------------------------------------------------

MANIFEST_BYTES_MAX = 256 * 1024
"""Of a `component.yml`: a person writes it."""

DOCUMENT_BYTES_MAX = 8 << 20
"""Of a declarative graph: `VERTICES_MAX` vertices with a few parameters each."""

YAML_DEPTH_MAX = 16
"""Of nesting: three times what our formats have."""

YAML_NODES_MAX = 1_000_000
"""Of one YAML text: more than `DOCUMENT_BYTES_MAX` bytes of sensible text hold, little enough to build in a few seconds."""

YAML_NUMBER_CHARACTERS_MAX = 64
"""Of a number: 64-bit integers and doubles fit three times."""

SLOTS_MAX = 64
"""Inputs, or outputs, of one vertex: a container has a socket for each."""

PARAMETERS_MAX = 256
"""Of one component: a configuration, not a data set."""

FILE_SLOTS_MAX = 64
"""Of one component; the same number of generated ones."""

ENDPOINTS_MAX = 32
"""Of one component: each has a URL that somebody has to know."""

TAGS_MAX = 64
"""Tags, categories, labels of one component: words to find it by."""

TEXT_CHARACTERS_MAX = 4_096
"""Of a description, a note, one word of a command: what a person reads."""

LABEL_CHARACTERS_MAX = 200
"""Of a vertex's label or a backend's name: it stands in a table."""

CPU_MAX = 1_024.0
"""Cores of one container: no machine has more."""

GPU_MAX = 64
"""Of one container: no machine has more."""

MEMORY_BYTES_MIN = 1 << 20
"""Of one container: below this no process starts, so it is a mistake in the unit."""

MEMORY_BYTES_MAX = 1 << 44
"""Of one container: 16 TiB, above what machines have."""

BODY_BYTES_MAX = 1 << 30
"""Largest `body_max` that an endpoint may ask for: a gateway on the same machine has to hold a few."""

# --- Graphs in memory ------------------------------------------------------------------------------------------------

SHAPES_KEPT_MAX = 4_096
"""Shapes kept by (transformation, parameters): the distinct ones of a large graph."""

PROBLEMS_MAX = 1_000
"""Of one graph that are listed: a person mends a few and asks again."""

SHAPE_KEY_CHARACTERS_MAX = 4_096
"""Of the parameters of a shape that is kept: with `SHAPES_KEPT_MAX`, 16 MiB."""

SUGGESTION_NAMES_SHOWN = 10
"""Of the names that there are, in the hint of an error about one that there is not: a line or two."""

SUGGESTION_NAMES_MAX = VERTICES_MAX
"""That are counted for a hint."""

SUGGESTION_CANDIDATES_MAX = 2_000
"""That are compared with what was written: 50 ms, which somebody with a large graph and a loop of slips may ask for."""

SUGGESTION_CHARACTERS_MAX = 80
"""Of a name that is compared or shown."""

ROTATIONS_MAX = 1 << 31
"""Of one endpoint's token: a counter, not a list."""

TYPE_TEXT_MAX = 400
"""Characters of a type in a message: what a person takes in; the rest is cut."""

PLACEMENT_REASONS_MAX = 100
"""Reasons that one refusal lists: a person reads no more, and a graph may have thousands of vertices."""

# --- The gateway ---------------------------------------------------------------------------------------------------

GATEWAY_REQUESTS_MAX = 4000
"""Requests and sockets that may be under way at once: twice the connections that a server takes by default, so that only a
misconfigured one gets here; each holds a window of bytes at most in each direction.
"""

GATEWAY_LINK_BYTES_MAX = 256 << 20
"""Of one container, in each direction: of bodies that it has been sent and has not consumed, which are in our memory if it does not
even read them; and of its answers that callers have not taken yet. Above, its endpoints are overloaded.
"""

GATEWAY_LINK_MESSAGES_AT_ONCE = 100
"""Of one container that are taken before others have their turn: less than a millisecond. One read may bring ten thousand."""

GATEWAY_LINK_USELESS_PER_S_MAX = 20_000
"""Messages of one container that are none, or about nothing that is under way: what a thousand streams had under way when their
callers left, and less than what would keep us from others.
"""

GATEWAY_LINK_PENALTY_S = 1.0
GATEWAY_LINK_PENALTY_MAX_S = 60.0
"""Before a container that broke the protocol is connected to again: the first time, and when it does so again and again."""

GATEWAY_LINK_WAIT_S = 1.0
"""How long a request waits for the link to a container that has just been announced: connecting takes some milliseconds."""

GATEWAY_RETIRE_S = 10.0
"""How long requests that are under way may go on when their container stops: its own grace."""

GATEWAY_BODY_IDLE_S = 30.0
"""Between two pieces of a request's body."""

GATEWAY_STALL_S = 60.0
"""How long a container may take nothing of a body or socket that waits for it. While it waits, nothing is read from the caller, so
that not even his leaving is noticed.
"""

GATEWAY_WATCH_AFTER_S = 0.05
"""After which it is noticed that the caller has gone while the answer is awaited: most answers are there before, and watching
costs a task.
"""

GATEWAY_CONNECT_TIMEOUT_S = 2.0
"""To a command's port on this machine, and for its WebSocket to close."""

GATEWAY_IDLE_CONNECTIONS_MAX = 100
"""Connections to commands that are kept for the next request."""

GATEWAY_KEEP_ALIVE_S = 2.0
"""How long they are: less than what usual servers keep idle connections, so that none is taken that is just being closed."""

# --- The store -----------------------------------------------------------------------------------------------------

DATABASE_CONNECTIONS_MAX = 72
"""Two for each of the worker threads that there are at most: a writer looks things up beside its transaction. PostgreSQL takes
100 by default, from all.
"""

DATABASE_LOCK_TIMEOUT_S = 30
"""How long a writer waits for the one before it, and a thread for a connection; a write takes milliseconds."""

# --- Services ------------------------------------------------------------------------------------------------------

ARCHIVE_BYTES_MAX = 64 << 20
"""Of a component's archive as it is sent, and so in memory: source and small assets; weights and data are files."""

ARCHIVE_UNPACKED_BYTES_MAX = 256 << 20
"""Of everything in it: bounds what a bomb may write."""

ARCHIVE_ENTRIES_MAX = 10_000
"""Files and folders in it: bounds inodes, and the time that unpacking takes."""

ARCHIVE_HEADER_BYTES_MAX = 1 << 20
"""Of one header of a tar archive, extended ones included: they are read into memory whole."""

ARCHIVE_HEADERS_BYTES_MAX = 16 << 20
"""Of all of them: three blocks for each entry, an extended one among them."""

ARCHIVE_HEADERS_OF_ENTRY_MAX = 64
"""Headers of one entry, and fields in them, global ones included: an ordinary one has a long name, times and a few attributes."""

ARCHIVE_PATH_BYTES_MAX = 1000
"""Of a path in it: with the folder that it is unpacked into still below the 4096 of Linux."""

README_BYTES_MAX = 256 << 10
"""Of a README that is kept with the version for showing; a longer one is cut."""

FILE_BYTES_MAX = 1 << 40
"""Of one file: the largest weights there are; the disk is the real bound."""

FILE_NAME_LENGTH_MAX = 255

LOG_CHUNK_OPERATIONS = 5000
"""Records of a log that are read at once: a long log is never in memory whole."""

HEADS_VERTICES_MAX = 100_000
"""Of all graphs together that are kept at the head of their logs, some 200 MB; the longest unused one is replayed again when
needed.
"""

EVENTS_PER_REQUEST_MAX = 10_000
"""Of one listing of events."""

LEASE_LABEL_LENGTH_MAX = 200

LEASE_RESULT_BYTES_MAX = 1 << 20
"""Of the verdict that is attached to a lease, as JSON."""

RUNTIME_NODES_MAX = 100
"""Of one runtime: placing the largest graph looks at each of them for every vertex, while other writers wait."""

# --- The process launcher and its supervisor -------------------------------------------------------------------------

SUPERVISOR_FRAME_BYTES_MAX = 16 << 20
"""Of one message: an observation of tens of thousands of containers."""

SUPERVISOR_CONNECTIONS_MAX = 16
"""Control planes and tools that are in touch with one supervisor at once: one, and a few that are just coming or going."""

SUPERVISOR_GREETING_S = 10.0
"""Until a connection has said who it is; whoever just holds it open is in the way of others."""

SUPERVISOR_REQUESTS_MAX = 20_000
"""Under way on one connection: a stop of every vertex of the largest graph."""

SUPERVISOR_BACKLOG_BYTES_MAX = 32 << 20
"""Answers and hints that wait for a launcher to read them, before it is cut off: two of the largest."""

SUPERVISOR_START_S = 30.0
"""Longest time until a supervisor answers: a loaded machine, and the leftovers of its predecessor to be swept."""

SUPERVISOR_CONNECT_POLL_S = 0.02
"""Between two attempts to reach a supervisor that is coming up: a fraction of what Python needs to start."""

SUPERVISOR_LOG_BYTES_MAX = 1 << 20
"""Of the supervisor's own log when a new one starts; it says little, and a full disk helps nobody."""

PLATFORM_LOG_BYTES_MAX = 10 << 20
"""Of the log of a control plane in the background; the piece before it is kept as well."""

PLATFORM_LOG_LOOK_S = 5.0
"""Between two looks at its size: a control plane that has much to complain about writes some kilobytes a second."""

SUPERVISOR_ANSWER_S = 60.0
"""Longest wait for an answer, beyond a grace that was asked for: enough for a machine that swaps; after it something is broken."""

WATCH_INTERVAL_S = 0.25
"""Between two looks at containers without control groups: what a process can allocate in between has to fit into the machine."""

CENSUS_SHARED_S = 0.002
"""How long a question for all processes waits for others to share the answer: a hundred containers that stop at once ask once."""

KILL_ROUND_S = 0.02
"""Between two rounds of SIGKILL, while there still are processes: a few times what the kernel needs to end one."""

ASK_ROUND_S_MAX = 0.5
"""Longest time between two looks for processes that began while their container was asked to end."""

SWEEP_ROUNDS_MAX = 500
"""Of killing leftovers before the supervisor goes on without: ten seconds; what is left cannot be killed."""

DESCRIPTORS_RESERVED = 100
"""Of the supervisor, for looking at processes and for connections when it has as many containers as it can."""

CONTAINER_OUT_OF_MEMORY_SCORE = 500
"""Of 1,000: when the machine is full the kernel takes a container before the supervisor, or the user's editor."""

CPU_PERIOD_US = 100_000
"""Over which a CPU ceiling is enforced: the kernel's own default."""

CPU_QUOTA_US_MIN = 1_000
"""The least quota that the kernel accepts."""

DATA_LIMIT_FACTOR = 4
DATA_LIMIT_EXTRA_BYTES = 1 << 30
"""RLIMIT_DATA = factor x memory + extra, where no control group holds the memory: stacks of idle threads count in full (8 MiB
each), so only a limit far above the container's memory harms nobody; the supervisor watches what is really used."""

TASKS_LIMIT_EXTRA = 4096
"""RLIMIT_NPROC above what the user runs already: others of his programs may start more, and that must not stop a container."""

LOG_SEGMENTS = 4
"""Files of a log's ring: dropping the oldest keeps three quarters."""

LOG_LINE_BYTES_MAX = 64 << 10
"""A longer line is cut into several."""

LOG_READ_BYTES = 64 << 10
"""Read from a container's stream at a time, before the others have their turn: what a pipe holds."""

LOG_REST_READS_MAX = 32
"""Reads of what is left in the pipe of a dead container: the largest pipe that a program may ask for has a megabyte."""

LOG_BYTES_PER_S = 1 << 20
LOG_BURST_BYTES = 4 << 20
"""A container may log this much at once and this much per second, then it waits: it turns its ring around every ten seconds."""

PRUNE_AGE_MIN_NS = 3600 * 10**9
"""What was needed within the last hour stays, however short the configuration keeps it: it may be about to be needed by a container
that is being prepared, or written down.
"""

PRUNE_ENTRIES_MAX = 20
"""Of one kind that go in one turn: deleting an environment takes a second or two, and disks have others to serve."""

EVENTS_KEPT_NS = 90 * 24 * 3600 * 10**9
"""How long events are kept, if the configuration does not say otherwise: who looks for why goes back weeks, not years."""

EVENTS_OF_DEPLOYMENT_MAX = 10_000
"""Of one deployment that is up: one that crashes as often as its budget allows makes that many in some days."""

EVENTS_PRUNED_MAX = 5000
"""Deleted in one transaction: others who write wait for some ten milliseconds."""

PRUNE_INTERVAL_S = 3600.0
"""Between two turns: an hour more of days matters to nobody."""

PRUNE_PAUSE_S = 30.0
"""Between two turns as long as there is more to do."""

FOLLOW_AFTER_EXIT_NS = 2 * RESTART_BACKOFF_MAX_NS
"""A followed log ends this long after its container has exited: it is not going to be started again."""

LOG_FOLLOW_POLL_S = 0.1
"""Between two looks at a log that is followed: fast to a reader, nothing to the machine."""

REQUIREMENTS_BYTES_MAX = 64 << 10
"""Of a `requirements.txt`: a thousand pinned packages with hashes."""

REQUIREMENTS_INSTALL_S = 900.0
"""Longest installation of requirements: gigabytes over a slow line; after it the deploy has timed out anyway."""

REQUIREMENTS_OUTPUT_BYTES_MAX = 4096
"""Of pip's output in an error: its last lines say why."""

SMALL_FILE_BYTES_MAX = 64 << 20
"""Of a file that we have written into a container's folder and read again: its spec, with all literals, is the largest."""

PROC_FILE_BYTES_MAX = 1 << 20
"""Read from one file in `/proc`: an environment may be larger, but then its beginning has to do."""

RUNTIME_LABELS_MAX = 64
"""Of one runtime: a class, not a description."""

# --- Controller ------------------------------------------------------------------------------------------------------

SOCKET_PATH_BYTES_MAX = 107
"""Of a Unix socket: what `sockaddr_un` holds, less the final zero."""

CONTROL_MESSAGE_BYTES_MAX = 1 << 20
"""Of one message on the control link: counters of thousands of edges fit."""

CONTROL_MESSAGE_CHARACTERS_MAX = 2000
"""Of what a container says went wrong: a person reads it in a table."""

CONTROL_HELLO_BYTES_MAX = 64 << 10
"""Of one message of a connection that nobody knows yet."""

CONTROL_QUEUE_BYTES_MAX = 4 << 20
"""That a container leaves unread: some changes of configuration of the largest size. Beyond, it is let go, and told anew."""

CONTROL_MESSAGES_PER_S_MAX = 1000
"""Of one connection: a container pulses once a second and says some dozen things when it starts, so more is a flood."""

CONTROL_CONNECTIONS_UNKNOWN_MAX = 512
"""Connections to the control link that have not said who they are: several hundred containers may come back at once."""

CONTROL_CONNECTIONS_OF_ONE_MAX = 4
"""Of one container: its process, and those before it whose end was not seen yet."""

PREPARATIONS_MAX = 4
"""Environments that are built at the same time: pip and the disk are the limit."""

STARTS_MAX = 16
"""Containers that are started at the same time: a hundred interpreters at once would only slow each other down."""

EFFECT_RETRY_FIRST_NS = 10**9
"""Before an action that failed is tried again the first time; doubles up to `EFFECT_RETRY_MAX_NS`."""

EFFECT_RETRY_MAX_NS = 30 * 10**9
"""A launcher that is out of order is asked twice a minute."""

SAVE_ATTEMPTS_MAX = 8
"""Tries to save what a container generated before it is given up, about two minutes: a full disk must not keep a deployment from
going.
"""

GENERATED_FILE_BYTES_MAX = 16 << 30
"""Of one generated file."""

LOOK_INTERVAL_NS = 2 * 10**9
"""The controller looks at everything at least this often: hints of changes may be lost."""

NODES_INTERVAL_NS = 2 * 10**9
"""How often launchers are asked for their machines: what a lost one costs until it is noticed."""

GRAPHS_KEPT_VERTICES_MAX = 200_000
"""Vertices of all graphs that the controller keeps replayed, so that an edit costs no replay: some hundred megabytes at most."""

PORT_FIRST = 20_000
"""Ports of commands lie below the range from which the system takes ports for outgoing connections."""

PORT_LAST = 30_999

PORTS_TRUSTED_AFTER_NS = 60 * 10**9
"""A command that has been ready this long listens at its ports itself; before, another program may be what answers there."""

ENVIRONMENT_LOCK_POLL_S = 0.05
"""Between two looks whether pip, or another builder of the same environment, is done: they take a hundred times as long."""

TRANSFORMATION_MEMORY_MAX_BYTES = 512 << 20
"""What a transformation's process may take: full queues of large values; it asks for less when it is placed."""

LOG_BYTES_MAX = 10 << 20
"""Of a container's log that is kept."""

LOG_BYTES_DEBUG_MAX = 100 << 20
"""Of the log of a container that is deployed for debugging."""

CONTAINERS_LISTED_MAX = 1_000
"""In one answer that lists those of all deployments; half a megabyte of JSON. Who wants more asks for what comes after the last."""

LOCK_REASONS_MAX = 100
"""Operations that one refusal of a locked graph lists."""

OPERATIONS_LISTED_MAX = 10_000
"""Entries of a log in one answer: some megabytes; who wants more asks again after the last one."""

UNDO_TAIL_OPERATIONS = 1000
"""Entries that `undo` reads at first: a session of edits; the whole log is read only when that is not enough."""

BLUEPRINTS_KEPT_MAX = 64
"""Deployments whose containers' specs are being written: those that come up at the same time."""

REFUSAL_REASONS_MAX = 500
"""That one refused deployment lists: enough for every vertex of a graph that a person draws."""

SECRET_BYTES = 24
"""Of what a container proves itself with: 192 bits cannot be guessed."""

# --- The API -------------------------------------------------------------------------------------------------------

API_BODY_BYTES_MAX = 32 << 20
"""Of a JSON body: a graph of `VERTICES_MAX` vertices as a document has some 10 MiB."""

API_BODY_IDLE_S = 30.0
"""Between two pieces of a request's body."""

API_REF_LENGTH_MAX = 255
"""Characters of a name or an id in a request; all that there are are shorter."""

API_SEQ_MAX = (1 << 53) - 1
"""The largest integer that every JSON reader gets right."""

API_WAIT_MAX_S = 24 * 3600
"""Of one `wait`."""

API_POLL_S = 1.0
"""After which a stream looks again although nothing was recorded in this process."""

API_ROUTED_S = 5.0
"""How long an answer waits for the gateway to go by what is recorded. The controller tells it within milliseconds, unless it is
stuck.
"""

API_ROUTED_LOOK_S = 0.005
"""Between two looks at that; they cost a microsecond."""

API_PING_S = 15.0
"""Between signs of life on a quiet event stream: proxies cut connections that are silent for a minute."""

API_EVENTS_AT_ONCE = 500
"""Events that are read in one look, and so held in memory per stream."""

API_UPLOADS_MAX = 16
"""Files that are being written at once, a thread each; whoever comes then waits, unread."""

API_LOG_LINES_MAX = 1_000_000
"""Of one `tail`."""

API_KEY_LOOK_S = 2.0
"""After which whatever goes on looks again whether its key is still good: so long may a revoked one go on listening."""

API_KEY_LOOKS_AT_ONCE = 4
"""Threads that look keys up; strangers who try some keep nobody else's threads."""

# --- API keys ------------------------------------------------------------------------------------------------------

API_KEY_BYTES = 32
"""Random bytes of a key: guessing is hopeless, so that a fast hash does."""

API_KEY_PREFIX_CHARACTERS = 12
"""Of a key that lists show: 8 random characters tell keys apart, and leave 200 bits."""

API_KEY_LIFE_NS = 90 * 24 * 3600 * 10**9
"""Default life of a key: a forgotten one is worth nothing by the next quarter."""

API_KEY_LIFE_MAX_NS = 366 * 24 * 3600 * 10**9
"""Longest: a year, with a day to spare for replacing it."""

API_KEYS_OF_USER_MAX = 100
"""Of one user: a person, and what runs for him; as many as the configuration may have."""

API_KEYS_MAX = 2000
"""Of a platform: whoever revokes or lists looks at all of them."""

API_KEY_EXPIRED_KEPT_NS = 30 * 24 * 3600 * 10**9
"""How long an expired key stays in lists, so that its user learns why it does not work any more."""

# --- Live tests ----------------------------------------------------------------------------------------------------

LIVE_TEST_BYTES_MAX = 1 << 20
"""Of a test's manifest: it holds a graph at most."""

LIVE_TEST_STEPS_MAX = 1000
"""Of one test: each waits, so more would not end."""

LIVE_TEST_TTL = "2m"
"""Unattended life of a test's lease: it is kept alive while the test runs; nothing is left for long when the runner is killed."""

LIVE_TEST_BODY_BYTES_MAX = 16 << 20
"""Of an answer that is held against what is expected."""

LIVE_TEST_VALUES_MAX = 10_000
"""Of a stream that are kept for a test; older ones go."""

LIVE_TEST_VALUE_BYTES_MAX = 1 << 20
"""Of one value of a stream."""

LIVE_TEST_LOG_LINES_MAX = 100_000
"""Of a container's log that a test looks at."""

EXPECTED_FAILURES_MAX = 100
"""Sentences about one value that is not as expected."""

SHOWN_CHARACTERS_MAX = 200
"""Of a value in such a sentence."""

# --- Both servers --------------------------------------------------------------------------------------------------

HEAD_TIMEOUT_S = 15.0
"""From a connection's beginning to the end of its first request's headers: a slow network needs a second or two."""

STALL_TIMEOUT_S = 60.0
"""How long a peer may leave unread what was written to it."""

SOCKET_MESSAGE_BYTES_MAX = 16 << 20
"""Of a WebSocket's message, for all endpoints; an endpoint's own bound (`body_max`, 16 MiB by default) may be lower."""
