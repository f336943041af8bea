"""Every bound of the engine, with its reason. One section per package; what an operator may change is in `pie.config`."""

from dataclasses import dataclass

# --- host: between a guest and its client ---------------------------------------------------------------------------

INBOX_TEXTS_MAX = 1024
"""Texts a process may leave unread. A client that sends more talks to a program that does not listen."""

OUTBOX_CHARACTERS_MAX = 4 << 20
"""The characters in them: what a client that stalls for a while may cost, per process."""

INBOX_FILES_MAX = 64
"""Files a process may leave unread; their bytes are bounded by `runtime.max_upload_mb`."""

FILE_PIECE_BYTES_MAX = 256 << 10
"""Bytes of a file that cross into or out of the sandbox at a time: each takes 32 bytes of memory on its way, so this is 8 MB and a
few milliseconds. The same size as a chunk on the wire."""

FILE_NAME_CHARACTERS_MAX = 255
"""Length of a file's name, as in most file systems."""

MCP_REQUESTS_MAX = 64
"""Requests to MCP servers whose results a process has not dropped yet; each result has at most the size of a frame."""

BUDGET_AHEAD_TOKENS = 256
"""What a generation takes of its process's token budget ahead of what it has drawn: more than the batches on their way draw, so
that it never waits for leave."""

# --- engine: what one user may take ---------------------------------------------------------------------------------

QUOTA_USERS_MAX = 10_000
"""Users whose use of tokens is remembered. Without authentication anybody can make up names; those with least to remember go."""

KEPT_CONTEXT_BYTES_MAX = 64 << 20
"""Size of a file with a saved context: 16 million tokens. Anything larger is not ours."""

WEIGHTS_SAMPLE_BYTES = 1 << 20
"""What is read of each end of a file of weights to tell it from others. Reading all of a large model takes a minute."""

ENDED_PROCESSES_CHARGED_MAX = 256
"""Ended processes whose last tokens are still charged: those of the two batches on their way when they ended."""

# --- wasi: what a guest may ask for in one call, and hold ------------------------------------------------------------

WASI_POLLABLES_MAX = 4096
"""Pollables in one `poll`. Looking at each once takes about a millisecond, during which nobody else runs."""

WASI_RANDOM_BYTES_MAX = 1 << 20
"""Random bytes per call. A guest that wants more asks again; the kernel makes them at 0.4 GB/s."""

WASI_READ_BYTES_MAX = 1 << 20
"""Bytes that one read returns at most, whatever length was asked for: a copy of well under a millisecond."""

WASI_WRITE_BYTES_MAX = 1 << 20
"""Bytes that one write to a file takes at most; the guest is told how many and writes the rest in the next call."""

WASI_OUTPUT_BYTES_MAX = 16 << 20
"""Bytes that one write to stdout or stderr takes at most, and what a sink may be overfilled by: a sink with any room takes a
write whole, because CPython, whose stdout is unbuffered in a guest, loses the rest of a write that is cut short."""

WASI_BLOCKING_WRITE_BYTES_MAX = 1 << 20
"""Bytes of one blocking write. WASI grants 4096; some libraries write more, which costs us nothing: it goes out in pieces."""

WASI_DESCRIPTORS_MAX = 128
"""Open files and folders of one process, so that a few processes cannot use up the engine's file descriptors."""

WASI_PATH_BYTES_MAX = 4096
"""Length of a path, as in Linux."""

WASI_PATH_COMPONENTS_MAX = 128
"""Components walked for one path, those of symbolic links included: each holds a file descriptor while the walk lasts."""

WASI_SYMBOLIC_LINKS_MAX = 40
"""Symbolic links followed for one path, as in Linux; ends loops."""

WASI_TIMESTAMP_SECONDS_MAX = 1 << 33
"""The latest time that may be set on a file, in the year 2242: within what file systems store."""

SCRATCH_BYTES_MAX = 256 << 20
"""Default size of a process's /scratch: all files together."""

SCRATCH_ENTRIES_MAX = 10_000
"""Files, folders and links in a /scratch; also bounds the time that listing a folder takes."""

# --- model: files that come with a model, written by strangers -------------------------------------------------------

VOCABULARY_SIZE_MAX = 1 << 22
"""Token ids. Ten times the largest vocabulary there is; a table of this size is still only 32 MB."""

TEMPLATE_SOURCE_CHARACTERS_MAX = 1 << 18
"""Characters of a chat template. The longest in use have some 20,000; compiling grows with the size."""

TEMPLATE_WORK_MAX = 1_000_000
"""Steps of rendering one conversation: loop rounds, calls, elements put into lists, and one per 64 characters made. Long
conversations with tools take tens of thousands; this many take about a second."""

TEMPLATE_VALUE_SIZE_MAX = 1 << 23
"""Characters or elements of any value a template makes: more than the longest context holds, little enough to allocate."""

TEMPLATE_NUMBER_MAX = 1 << 16
"""Numbers that a template may pass to functions and filters: bounds widths, counts and ranges."""

GRAMMAR_CHARACTERS_MAX = 1 << 18
"""Characters of a schema, regular expression or Lark grammar. A schema of 500 properties has 20,000 and compiles in 40 ms."""

GRAMMAR_DEPTH_MAX = 64
"""How deep a JSON schema may be nested: OpenAI allows 10."""

GRAMMAR_WEIGHT_MAX = 16_384
"""Characters that a regular expression or text in a grammar stands for, repetitions written out: 4 ms per token if all of them are
different."""

GRAMMAR_LEXER_FUEL_MAX = 100_000
"""Work of llguidance's lexer per token, 14,000 per millisecond: half of its default."""

GRAMMAR_ITEMS_MAX = 20_000
"""Items of its parser per token: 20,000 per millisecond."""

GRAMMAR_LEXER_STATES_MAX = 20_000
"""States of its lexer, 1 to 2 kB each: memory of one grammar that is hostile."""

GRAMMAR_SYMBOLS_MAX = 100_000
"""Symbols in all productions of one grammar."""

GRAMMAR_STEP_S_MAX = 0.1
"""Processor time for one token's mask, during which nobody else runs; after that the grammar is given up. Usual are 50 µs."""

GRAMMARS_CACHED_MAX = 256
"""Compiled grammars kept per model. One takes 50 kB to some megabytes."""

GRAMMARS_CACHED_CHARACTERS_MAX = 4 << 20
"""The characters they were made from: large grammars take more memory."""

# --- kv and sched: who computes next, and who keeps pages ------------------------------------------------------------

SAVED_CONTEXTS_PER_USER_MAX = 1024
"""Contexts that one user keeps under names. Their pages can be evicted: each costs the memory of its tokens, 4 bytes per token."""

SAVED_CONTEXTS_MAX = 16_384
"""The same over all users: without authentication anybody can make up names."""

SAVED_CONTEXT_NAME_CHARACTERS_MAX = 1024
"""Length of such a name: programs like to build them from other names."""

WORK_LOSSES_MAX = 1
"""How often a work may have been at the driver when that died, and be tried again. Most are innocent; one that kills the driver
each time must not be tried for ever."""

PASSES_QUEUED_MAX = 1024
"""Forward passes waiting behind one another on one context. More is a guest that forgot to wait."""

TOP_LOGPROBS_MAX = 20
"""Likeliest tokens told beside each token drawn, as with OpenAI: 160 bytes per token until somebody takes them."""

BURST_TARGET_S = 0.032
"""How long a batch of nothing but running generations should take while others keep coming: short enough to stream smoothly and
to let newcomers in (they wait for two such batches), long enough that what a batch costs besides its steps does not matter."""

BURST_STEADY_S = 0.08
"""The same when nobody has come for `STEADY_AFTER_S`."""

LOCKSTEP_TARGET_S = 0.005
"""The same while generations are about that obey constraints: they draw one token per batch, whatever others draw. On a model whose
step takes so long nobody loses anything; on a faster one others get some steps, so that a batch's own cost is not all there is."""

BURST_STEPS_MIN = 4
"""Steps that a burst has at least, within `BURST_STEADY_S`. Measured with pie-tiny, 32 sequences, tokens/s of single steps,
bursts of 4 and of 8 over bursts of 32: 0.75, 0.9, 1.0."""

STEADY_AFTER_S = 0.25
"""Without a newcomer for so long, the next is not expected soon."""

MIXED_TARGET_S = 0.030
"""How long the prefills in a batch may take that somebody shares who waits for the next token; or as long as that step itself,
if that is more: who decodes is slowed down to a half at most, and a prefill on a slow driver does not take forever."""

PREFILL_CHUNK_MIN = 64
"""Tokens of prefill that a mixed batch takes at least, however slow the driver is: progress, and not too many small batches."""

SHARED_PREFILL_TOKENS = 64
"""A work waits for another that is computing the same tokens if they are at least so many: waiting costs a batch, computing them
twice costs their time."""

IDLE_GRACE_S = 0.1
"""A context unused for so long counts as parked and may be evicted for others. Shorter, and guests that think between two tokens
would lose their pages each time."""

RESIDENCE_S = 1.0
"""A context that is in use, but not at this moment, is left alone for so long before it may be evicted for somebody who waits:
the time slice when the contexts in use do not fit all at once. One prefill per slice is what that costs."""

# --- net: what one connection may take -------------------------------------------------------------------------------

SESSION_REQUESTS_MAX = 1024
"""Requests of one connection that wait behind one that takes time. More are not read before: the client's own socket fills."""

SESSION_REQUEST_BYTES_MAX = 4 << 20
"""The frames of these requests."""

SESSION_LOGIN_BYTES_MAX = 16 << 10
"""The same before the login: nobody without a key gets to fill memory. A login is a few frames of some hundred bytes."""

SESSION_REQUESTS_PER_TURN = 16
"""Requests of one connection that are handled before everybody else has a turn of the loop, for receiving need not wait: a
millisecond or two."""

SESSION_ANSWERS_MAX = 256
"""Answers that wait for a client that does not read. Then its next request is not read either."""

SESSION_UNREAD_CHARACTERS_MAX = 16 << 20
"""Characters of events that wait for such a client in processes that have ended: it launches nothing more until it has read them.
Those of live processes make the processes wait."""

SESSION_RUNS_MAX = 64
"""`run_processes` requests of one connection at the same time. They have no back-pressure: their results must fit an answer."""

RUN_RESULT_CHARACTERS_MAX = 1_000_000
"""Characters of all results of one such request. They travel in one frame."""

UPLOADS_MAX = 16
"""Uploads that one connection has begun and not finished; and files to processes likewise."""

UPLOADS_PER_USER = 2
"""Uploads of the largest size that one user may have in memory, over all connections: bytes beyond are refused."""

UNCONFIRMED_RESULTS_MAX = 256
"""Results sent over one connection that are remembered in case it turns out to be dead: what a client has running at a time."""

UNCONFIRMED_CHARACTERS_MAX = 1 << 17
"""Characters of these results; longer ones are not remembered."""

MCP_SERVERS_MAX = 64
"""MCP servers that a connection registers."""

MCP_REQUESTS_MAX = 256
"""Requests to MCP servers that one connection has not answered. More are refused: the client is stuck."""

MCP_TIMEOUT_S = 120.0
"""How long an MCP server may take: a tool that searches or builds something takes a minute."""

EVENTS_PER_TURN = 16
"""Events that one process may send before the next one of the same connection has its turn: their frames are small."""

CLOSE_TIMEOUT_S = 2.0
"""How long connections may take to close when the server ends. A client that is stuck does not keep it."""

LISTED_INPUT_CHARACTERS_MAX = 1000
"""Characters of a process's input in a list of processes, which has to fit one frame."""

# --- sandbox: what one guest may take from the others ----------------------------------------------------------------

SANDBOX_TICK_S = 0.002
"""How long a guest computes at a stretch. Long enough that a switch (some 10 µs) is lost in it, short enough that a timer or a
token for somebody else is not late."""

SANDBOX_IDLE_TICKS = 50
"""Ticks without any guest after which the epoch thread falls asleep: an idle engine does not wake 500 times a second."""

SANDBOX_SCRATCH_BYTES = 1 << 18
"""Memory for putting together values on their way to a guest; larger ones get memory of their own. 8,192 list elements fit."""

SANDBOX_HANDLES_MAX = 16_384
"""Handles that a guest may hold. A guest that never drops one finds out before the engine does. When it ends they are dropped in
one go, which takes 1 to 2 µs each: nobody waits longer for that than for a guest that spins."""

SANDBOX_MEMORY_BYTES_MAX = 512 << 20
"""Default size of a guest's memory. A Python program takes 20 to 100 MB."""

SANDBOX_WASM_STACK_BYTES = 1 << 20
"""Stack of a guest, twice wasmtime's default: a Python program reaches CPython's own recursion limit before it reaches this."""

SANDBOX_FIBER_STACK_BYTES = 4 << 20
"""The stack that a fiber runs on: the guest's, and behind it that of the host functions it calls, which are Python. Only touched
pages take memory."""

SANDBOX_TABLE_ELEMENTS_MAX = 1_000_000
"""Elements of one table: functions that a guest can call indirectly."""

SANDBOX_CORE_INSTANCES_MAX = 256
"""Core modules that one component may instantiate; componentize-py makes some dozens."""

SANDBOX_TABLES_MAX = 256
"""As many as core modules: each may bring one."""

SANDBOX_MEMORIES_MAX = 8
"""Linear memories of one component; each may grow to the memory limit. All toolchains make one."""

SANDBOX_SHARED_CODE_BYTES_MIN = 64 << 10
"""Code from which on a core module is compiled apart from its component, once for all that have it: less compiles in 0.1 s."""

SANDBOX_SHARED_MODULES_MAX = 8
"""Modules of one component that are; a Python program has three. Each is a file in the compile cache."""

SANDBOX_MODULE_TYPE_BYTES_MAX = 256 << 10
"""What has to be read to know a core module's type; CPython has 80 KB. Read by Python, 10 MB/s, in a thread beside the loop."""

SANDBOX_SECTIONS_MAX = 4_096
"""Sections of a component or module that are looked at; componentize-py makes some 130."""

COMPILE_CACHE_BYTES_MAX = 4 << 30
"""Compiled programs kept on disk. A Python program takes 15 MB, and 23 for what all of them share; the ones unused for longest go
first."""

# --- driver: the worker child -----------------------------------------------------------------------------------------

DRIVER_STDERR_TAIL_BYTES = 8192
"""How much of a worker's last words is kept for error texts: a traceback."""

DRIVER_STOP_TIMEOUT_S = 5.0
"""How long a worker told to stop may finish its batch before it is killed."""

DRIVER_RESTARTS_MAX = 5
"""Attempts to bring a lost worker back. What fails five times in a row (a folder that vanished, a full machine) needs a
person."""

DRIVER_RESTART_PAUSE_S = 0.2
"""Before the second attempt; doubled for each further one. The first follows at once."""

# --- programs ---------------------------------------------------------------------------------------------------------

PROGRAM_BYTES_MAX = 256 << 20
"""Bytes of a component. A Python program is 18 MB; compiling takes memory many times the size."""

PROGRAM_SOURCE_BYTES_MAX = 1 << 20
"""Bytes of a program that comes as source: one function of somebody's."""

PROGRAM_BUILD_TIMEOUT_S = 120.0
"""For building such a program: 6 s on an idle machine. What loops while it is imported ends here."""

PROGRAM_BUILD_BYTES_MAX = 3 << 30
"""Memory of such a build, each of its OS processes; an ordinary one takes 1 GiB."""

PROGRAM_HEAD_BYTES_MAX = 4096
"""What stands before the manifest in a program's file. The longest name and version take 300."""

PROGRAM_FILE_NAME_MAX = 160
"""Characters of a name or user in a file name, encoded; longer ones are hashed. With the version it stays below 255."""

PROGRAM_PART_KEPT_S = 3600.0
"""Files that somebody began to write and did not finish go after so long: no write takes an hour."""

UPLOADED_PROGRAMS_MAX = 1_000
"""Programs that one user may have uploaded: their files are listed whenever one is added."""

UPLOADED_PROGRAMS_BYTES_MAX = 16 << 30
"""And their size: some 800 Python programs. A user cannot fill the disk."""

PULLED_PROGRAMS_MAX = 4_000
"""Programs kept from a registry; those that came first go first."""

PULLED_PROGRAMS_BYTES_MAX = 64 << 30
"""And their size."""

INSTALLED_PROGRAMS_MAX = 256
"""Programs ready to be launched at once. Each is 33 MB of mapped machine code, of which what is in use takes memory; one that was
put aside comes back from the compile cache in 0.1 s."""

PROGRAMS_LOADING_MAX = 2
"""Programs read, built or compiled at the same time: each keeps a core busy, and takes many times its size."""

REGISTRY_ANSWER_BYTES_MAX = 32 << 20
"""What a registry says about a program: ours sends a quarter of that at most."""

REGISTRY_ANSWERS_MAX = 256
"""Programs whose versions are remembered for a moment, at most some 200 kB each."""

REGISTRY_FRESH_S = 10.0
"""How long what a registry said about a program holds: who launches a bare name a thousand times asks once, and a version
published just now is found soon."""

REGISTRY_MISSING_S = 1.0
"""The same for a version that the registry does not have yet."""

REGISTRY_RETRY_S = 30.0
"""How long a registry that failed is not asked about the same program again."""

REGISTRY_CONNECTIONS_MAX = 8
"""To a registry at the same time; whoever makes up names of programs does not open more."""

REGISTRY_CONNECT_TIMEOUT_S = 5.0
"""A launch waits for it."""

REGISTRY_READ_TIMEOUT_S = 15.0
"""Between two pieces of an answer."""

REGISTRY_ANSWER_TIMEOUT_S = 30.0
"""For what a registry says about a program, and for its manifest."""

REGISTRY_DOWNLOAD_TIMEOUT_S = 600.0
"""For a component: the largest at 0.5 MB/s."""

REGISTRY_ERROR_CHARACTERS_MAX = 300
"""Of what a registry says in an error."""


# --- openai: what one HTTP request may ask for ------------------------------------------------------------------------

OPENAI_BODY_BYTES_MAX = 4 << 20
"""Bytes of a request. The longest text that is tokenised (`TEXT_LENGTH_MAX`) fits, escaped."""

OPENAI_CHOICES_MAX = 128
"""Answers of one request, all its prompts together, as with OpenAI."""

OPENAI_STOP_TEXTS_MAX = 4
"""As with OpenAI; each is looked for in every piece of text."""

OPENAI_STOP_TEXT_CHARACTERS_MAX = 1024
"""What a stop text may hold back of an answer."""

OPENAI_TOOLS_MAX = 128
"""As with OpenAI; all of them stand in the prompt."""

OPENAI_UNREAD_TOKENS_MAX = 256
"""Tokens that an answer may be ahead of its reader: two batches of bursts, twice, so that only a reader that stalls is felt."""

OPENAI_RESPONSES_KEPT_MAX = 256
"""Stored responses of one user; the oldest goes first."""

OPENAI_RESPONSES_KEPT_BYTES_MAX = 16 << 20
"""The JSON text in them."""

OPENAI_RESPONSES_KEPT_BYTES_TOTAL_MAX = 256 << 20
"""Of all users together; those of whoever has stored nothing for longest go first."""

OPENAI_CALL_HEAD_CHARACTERS_MAX = 4096
"""How long the name of a tool call may keep the parser waiting before the call is read as a whole at its end."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one instance may take."""

    memory_bytes_max: int = SANDBOX_MEMORY_BYTES_MAX
    handles_max: int = SANDBOX_HANDLES_MAX
    table_elements_max: int = SANDBOX_TABLE_ELEMENTS_MAX
    core_instances_max: int = SANDBOX_CORE_INSTANCES_MAX
    tables_max: int = SANDBOX_TABLES_MAX
    memories_max: int = SANDBOX_MEMORIES_MAX


# --- auth -------------------------------------------------------------------------------------------------------------

AUTH_KEY_CHARACTERS_MAX = 16_384
"""Characters of a public key's text: an RSA key of 16,384 bits has some 3,000."""

AUTH_RSA_BITS_MIN = 2048
"""Shorter ones can be factored by those who want to enough."""

AUTH_RSA_BITS_MAX = 16_384
"""Checking a signature takes longer with the key's length: 1 ms at this one."""

AUTH_FILE_BYTES_MAX = 16 << 20
"""Size of the files of users and API keys: some 50,000 users."""

# --- server: what anybody on the network may take before he has said who he is -------------------------------------------

SERVER_HEAD_BYTES_MAX = 64 << 10
"""Bytes of a request's line and headers together. Browsers with many cookies send some 16 KiB."""

SERVER_BODY_BYTES_MAX = 8 << 20
"""Bytes of a request's body, whatever the route: twice what the OpenAI routes take, so that they can say so in their own words."""

SERVER_BODY_TIMEOUT_S = 30.0
"""Between two pieces of a request's body."""

SERVER_KEEP_ALIVE_S = 75
"""How long an HTTP connection may rest between two requests; the OpenAI client keeps its connections for a minute."""

SERVER_BACKLOG = 1024
"""Connections that the kernel has accepted and we have not: a burst of clients that start at once."""

TELEMETRY_TIMEOUT_S = 5.0
"""For sending traces, also the last ones when the server ends: a collector that is gone does not hold it up for longer."""

SERVER_CLOSE_TIMEOUT_S = 2.0
"""How long connections get, at the very end, to take what has been written to them."""

TEXT_LENGTH_ON_LOOP_MAX = 4096
"""Characters that are tokenised right on the event loop: about 5 ms of it. Longer texts go to a thread."""

TEXT_LENGTH_MAX = 1 << 20
"""Characters in one call: some 300,000 tokens of prose. Handing that many to a guest takes 30 ms of the loop."""
