"""Which function answers which message.

A function returns the answer's text, or None if the answer comes later or there is none; it raises `RefusedError` or `PieError` for
`ok=false`. Functions that may wait are coroutines.

Requests of one connection are handled one after the other, as they came. Some overtake: what is handled at once and could help
with, or should not suffer from, one that takes time (a compilation, a program that is fetched).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from pie.net import process_requests, program_requests, server_requests
from pie.net.caller import Caller
from pie_wire import messages
from pie_wire.messages import Message

AtOnce = Callable[[Caller, Any], str | None]
InTurn = Callable[[Caller, Any], Awaitable[str | None]]

OVERTAKING: dict[type[Message], AtOnce] = {
    messages.Ping: server_requests.ping,
    messages.Query: server_requests.query,
    messages.SignalProcess: process_requests.signal_process,
    messages.TransferFile: process_requests.transfer_file,
    messages.TerminateProcess: process_requests.terminate_process,
    messages.McpResponse: server_requests.mcp_response,
}

AT_ONCE: dict[type[Message], AtOnce] = {
    messages.CheckProgram: program_requests.check_program,
    messages.AttachProcess: process_requests.attach_process,
    messages.ListProcesses: server_requests.list_processes,
    messages.RegisterMcpServer: server_requests.register_mcp_server,
    messages.LaunchDaemon: server_requests.not_supported,
    messages.SubmitWorkflow: server_requests.not_supported,
    messages.CancelWorkflow: server_requests.not_supported,
    messages.AttachWorkflow: server_requests.not_supported,
    messages.DetachWorkflow: server_requests.not_supported,
}

IN_TURN: dict[type[Message], InTurn] = {
    messages.AddProgram: program_requests.add_program,
    messages.LaunchProcess: process_requests.launch_process,
    messages.LaunchProcesses: process_requests.launch_processes,
    messages.RunProcesses: process_requests.run_processes,
    messages.Drain: server_requests.drain,
    messages.ReloadConfig: server_requests.reload_config,
}

LOGIN: frozenset[type[Message]] = frozenset({messages.AuthIdentify, messages.AuthProve, messages.AuthByToken})


def corr_id_of(message: Message) -> int | None:
    """What an answer to the message carries; None: it gets none. The number of an `McpResponse` is ours, not the client's."""
    if isinstance(message, messages.McpResponse):
        return None
    corr_id: int | None = getattr(message, "corr_id", None)
    return corr_id
