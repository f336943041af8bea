"""The messages between a client and the engine: one msgpack map per binary WebSocket frame, told apart by its key `type`.

Field names and texts are those of Pie 0.4, so that its published clients work. What is ours: the operator's messages (`drain`,
`reload_config`), the query subjects besides `model_status`, `corr_id` on signals and files for those who want them acknowledged,
and `name` on files (the latter as in Pie 0.5).
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

CorrId = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
"""Chosen by the side that asks; the answer carries it."""

Count = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Budget = Annotated[int, Meta(ge=0)]
"""Tokens that a process may have computed; None: as many as its user may."""


class Message(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Base of all messages. Unknown keys are ignored: a newer peer may send more."""


# --- client → engine: logging in ----------------------------------------------------------------------------------------


class AuthIdentify(Message, frozen=True, tag="auth_identify"):
    """Answer: a challenge in base64, or `AUTHENTICATED_WITHOUT_AUTH`."""

    corr_id: CorrId
    username: str


class AuthProve(Message, frozen=True, tag="auth_prove"):
    """The challenge's bytes, signed with a key of the user."""

    corr_id: CorrId
    signature: str
    """Base64."""


class AuthByToken(Message, frozen=True, tag="auth_by_token"):
    """The engine's own token, an API key of a user, or nothing else."""

    corr_id: CorrId
    token: str


# --- client → engine: programs ------------------------------------------------------------------------------------------


class CheckProgram(Message, frozen=True, tag="check_program"):
    """Answer: `true` or `false`. With hashes: whether exactly these bytes are installed."""

    corr_id: CorrId
    name: str
    version: str
    wasm_hash: str | None = None
    manifest_hash: str | None = None


class AddProgram(Message, frozen=True, tag="add_program"):
    """One chunk of a component. All chunks carry the same `corr_id`; one answer follows the last."""

    corr_id: CorrId
    program_hash: str
    manifest: str
    force_overwrite: bool
    chunk_index: Count
    total_chunks: Count
    chunk_data: bytes


# --- client → engine: processes -----------------------------------------------------------------------------------------


class LaunchProcess(Message, frozen=True, tag="launch_process"):
    """Answer: the process's id; empty if its outputs are not captured: they are dropped then, the return included."""

    corr_id: CorrId
    inferlet: str
    input: str
    capture_outputs: bool
    token_budget: Budget | None = None


class LaunchProcesses(Message, frozen=True, tag="launch_processes"):
    """Answer: the ids as a JSON list."""

    corr_id: CorrId
    inferlet: str
    inputs: list[str]
    capture_outputs: bool
    token_budgets: list[Budget | None] | None = None


class RunProcesses(Message, frozen=True, tag="run_processes"):
    """Answer: what they returned, as a JSON list in the order of the inputs."""

    corr_id: CorrId
    inferlet: str
    inputs: list[str]
    token_budgets: list[Budget | None] | None = None


class AttachProcess(Message, frozen=True, tag="attach_process"):
    corr_id: CorrId
    process_id: str


class TerminateProcess(Message, frozen=True, tag="terminate_process"):
    corr_id: CorrId
    process_id: str


class ListProcesses(Message, frozen=True, tag="list_processes"):
    """Answer: a JSON list of `ListedProcess`, those of the user."""

    corr_id: CorrId


class SignalProcess(Message, frozen=True, tag="signal_process"):
    """A text for `session.receive`. Not answered, unless it carries a `corr_id`."""

    process_id: str
    message: str
    corr_id: CorrId | None = None


class TransferFile(Message, frozen=True, tag="transfer_file"):
    """One chunk of a file for `session.receive-file`. Not answered, unless it carries a `corr_id`: then once per file."""

    process_id: str
    file_hash: str
    chunk_index: Count
    total_chunks: Count
    chunk_data: bytes
    name: str = ""
    """For the program to see. The same on every chunk; so is `corr_id`."""
    corr_id: CorrId | None = None


# --- client → engine: the rest ------------------------------------------------------------------------------------------


class Ping(Message, frozen=True, tag="ping"):
    corr_id: CorrId


class Query(Message, frozen=True, tag="query"):
    """Subjects: `model_status`; ours: `status` (a JSON `Status`), `processes` (of all users; for operators)."""

    corr_id: CorrId
    subject: str
    record: str


class RegisterMcpServer(Message, frozen=True, tag="register_mcp_server"):
    """From now on the processes of this session may use an MCP server that runs beside the client."""

    corr_id: CorrId
    name: str
    transport: str
    command: str | None = None
    args: list[str] | None = None
    url: str | None = None


class McpResponse(Message, frozen=True, tag="mcp_response"):
    """What an MCP server said to an `McpRequest`: a result, or an error object, as JSON text."""

    corr_id: CorrId
    ok: bool
    result: str


class Drain(Message, frozen=True, tag="drain"):
    """For operators: take no new processes (or take them again)."""

    corr_id: CorrId
    enabled: bool = True


class ReloadConfig(Message, frozen=True, tag="reload_config"):
    """For operators: read the configuration again. Answer: a JSON list of the keys that changed and took effect."""

    corr_id: CorrId


# --- client → engine: what we do not serve ------------------------------------------------------------------------------


class LaunchDaemon(Message, frozen=True, tag="launch_daemon"):
    corr_id: CorrId
    port: Count = 0
    inferlet: str = ""
    input: str = ""


class SubmitWorkflow(Message, frozen=True, tag="submit_workflow"):
    corr_id: CorrId
    json: str = ""


class CancelWorkflow(Message, frozen=True, tag="cancel_workflow"):
    corr_id: CorrId
    workflow_id: str = ""


class AttachWorkflow(Message, frozen=True, tag="attach_workflow"):
    corr_id: CorrId
    workflow_id: str = ""


class DetachWorkflow(Message, frozen=True, tag="detach_workflow"):
    corr_id: CorrId
    workflow_id: str = ""


ClientMessage = (
    AuthIdentify
    | AuthProve
    | AuthByToken
    | CheckProgram
    | AddProgram
    | LaunchProcess
    | LaunchProcesses
    | RunProcesses
    | AttachProcess
    | TerminateProcess
    | ListProcesses
    | SignalProcess
    | TransferFile
    | Ping
    | Query
    | RegisterMcpServer
    | McpResponse
    | Drain
    | ReloadConfig
    | LaunchDaemon
    | SubmitWorkflow
    | CancelWorkflow
    | AttachWorkflow
    | DetachWorkflow
)
"""What a client may send."""

# --- engine → client ----------------------------------------------------------------------------------------------------


class Response(Message, frozen=True, tag="response"):
    corr_id: CorrId
    ok: bool
    result: str


EventName = Literal["stdout", "stderr", "message", "return", "error"]
TERMINAL_EVENTS: frozenset[EventName] = frozenset({"return", "error"})


class ProcessEvent(Message, frozen=True, tag="process_event"):
    process_id: str
    event: EventName
    value: str


class File(Message, frozen=True, tag="file"):
    """One chunk of a file that a process sent. An empty file is one empty chunk."""

    process_id: str
    file_hash: str
    chunk_index: Count
    total_chunks: Count
    chunk_data: bytes
    name: str | UnsetType = UNSET


class McpRequest(Message, frozen=True, tag="mcp_request"):
    """A process asks an MCP server beside the client; `params` is JSON text. Answered by `McpResponse`."""

    corr_id: CorrId
    process_id: str
    server_name: str
    method: str
    params: str


ServerMessage = Response | ProcessEvent | File | McpRequest
"""What the engine may send."""

# --- texts and JSON that clients compare --------------------------------------------------------------------------------

AUTHENTICATED = "Authenticated"
AUTHENTICATED_WITHOUT_AUTH = "Authenticated (Engine disabled authentication)"
"""The 0.4.0 Python client compares this text; any other it takes for a challenge."""
ALREADY_AUTHENTICATED = "Already authenticated"


class ListedProcess(Struct, frozen=True):
    """An element of the answer to `ListProcesses`, and to the query `processes`."""

    id: str
    username: str
    program: str
    input: str
    elapsed_secs: float
    state: str = ""
    attached: bool = False
    tokens: int = 0
    """Tokens computed for it so far."""
