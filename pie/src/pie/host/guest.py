"""What the host knows about the guest behind a call: the state object that every instance is started with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pie.errors import ModelNotFoundError
from pie.host.budget import TokenBudget
from pie.host.files import Allowance, FileInbox
from pie.host.inbox import Inbox
from pie.host.outbox import Outbox
from pie.host.relay import McpRelay
from pie.host.served import ServedModel
from pie.processes.process import Process
from pie.wasi.state import WasiState


@dataclass(slots=True)
class Guest:
    process: Process
    wasi: WasiState
    models: Mapping[str, ServedModel]
    """By name; the first is the default."""
    outbox: Outbox
    inbox: Inbox
    files: FileInbox = field(default_factory=FileInbox)
    outgoing: Allowance = field(default_factory=Allowance)
    """Of bytes in files that it has not sent yet."""
    relay: McpRelay | None = None
    """How calls of MCP servers reach the client; None: no client is attached, or it has no servers."""
    mcp_requests: int = 0
    """Whose results it has not dropped yet."""
    budget: TokenBudget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = TokenBudget(self.process)

    def model(self, name: str) -> ServedModel:
        """Raises `ModelNotFoundError` with the names there are."""
        if name not in self.models:
            raise ModelNotFoundError(f"model '{name}' is not loaded; loaded: {', '.join(self.models)}")
        return self.models[name]
