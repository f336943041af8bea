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

# The registry: what its server takes from anybody

ARTIFACT_BYTES_MAX = 256 << 20
"""One component: what an engine accepts as an upload by default. Python programs have 20 MB."""

JSON_BYTES_MAX = 512 << 10
"""A request's body: the longest manifest and readme, each character escaped, fit."""

MANIFEST_CHARACTERS_MAX = 64 << 10
"""Of a published `Pie.toml`; it is parsed again by every engine that pulls the program."""

README_CHARACTERS_MAX = 64 << 10
"""Long for a readme; shown for the newest version only."""

DETAILS_CHARACTERS_MAX = 8 << 10
"""Parameters, runtime, dependencies, authors and keywords of one version together: `info` answers this by `VERSIONS_MAX`."""

DESCRIPTION_CHARACTERS_MAX = 1_000
"""A sentence or two; every line of a search carries one."""

VERSIONS_MAX = 1_000
"""Of one program: so that `info` stays an answer that any client can hold."""

USER_NAME_CHARACTERS_MAX = 40
"""A user's name is the first half of a scoped program name."""

TOKEN_CHARACTERS_MAX = 256
"""Our tokens have 50; a longer one is not even hashed."""

TOKEN_DAYS_MAX = 3650
"""Ten years: longer than anybody remembers what a token is for."""

QUERY_CHARACTERS_MAX = 200
"""A search is compared with every program."""

PER_PAGE_DEFAULT = 20
PER_PAGE_MAX = 100
"""Programs in one answer to a search."""

PAGE_MAX = 100_000
"""Beyond it nobody looks; the product with `PER_PAGE_MAX` fits any database's integers."""

UPLOAD_EXPIRES_S = 900
"""From step 1 of publishing to step 3: 256 MB at 0.3 MB/s."""

UPLOADS_PENDING_MAX = 16
"""Announced and not committed, per user: each may hold `ARTIFACT_BYTES_MAX` on disk until it expires."""

UPLOADS_AT_ONCE_MAX = 16
"""Bodies being received, of all users: each has a file open and `COPY_BYTES` in memory."""

UPLOADS_AT_ONCE_PER_USER_MAX = 4
"""So that a user who sends slowly on purpose does not take the place of all others."""

COPY_BYTES = 1 << 20
"""Between network and disk, one write or read of a file."""

SEND_BYTES = 256 << 10
"""One piece of a download: what a reader must take within `BODY_IDLE_S`; 9 KB/s will do."""

BODY_IDLE_S = 30.0
"""A sender that sends nothing, or a reader that does not take one piece, for that long is gone."""

REQUEST_TIMEOUT_S = 60.0
"""Everything but receiving and sending an artifact: a database that takes longer is broken."""

REQUEST_BEGIN_S = 15.0
"""From a new connection to the end of its first request's head: half-open connections go."""

HEAD_BYTES_MAX = 512 << 10
"""Of a request's head, counted in reads from the socket, which are up to 256 KB and may have the beginning of the body in them."""

CONNECTIONS_MAX = 512
"""Open at once; beyond that 503. Each costs a file and some 10 KB."""

REQUESTS_AT_ONCE_MAX = 64
"""Of one address, being answered: who reads slowly on purpose does not take the connections of all others."""

REQUESTS_PER_S = 50.0
REQUESTS_BURST = 200.0
"""Per address, averaged and at once: an engine that installs a program with its dependencies needs a dozen."""

REFUSED_TOKENS_PER_S = 0.2
REFUSED_TOKENS_BURST = 20.0
"""Per address, wrong tokens: nobody guesses 256 bits, but nobody should try at the database's cost either."""

ADDRESSES_MAX = 20_000
"""Whose requests are counted; the one seen longest ago is forgotten. 3 MB."""

SWEEP_EVERY_S = 300.0
"""Between two looks for uploads that have expired."""

SWEEP_ORPHANS_EVERY_S = 3_600.0
"""Between two looks at all artifacts: a question to the database for each."""

ORPHAN_AGE_S = 3_600.0
"""Artifacts of no version are removed when older: longer than an upload may take until its commit."""

# The registry's client

ANSWER_BYTES_MAX = 32 << 20
"""An answer of a registry: above what ours ever sends, below what hurts."""

CONNECT_TIMEOUT_S = 10.0
"""To reach a registry: it answers in milliseconds, or somebody waits at a terminal for nothing."""

ANSWER_TIMEOUT_S = 120.0
"""For an answer: committing an artifact to a far object store takes a while."""

ERROR_CHARACTERS_MAX = 500
"""Of a refusal's text, as shown."""
