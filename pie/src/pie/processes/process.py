"""One process: its identity, its state, its outcome.

         admit            start            succeed
waiting ───────▶ starting ───────▶ running ─────────▶ returned
   │                │ fail             │ fail
   │                └────────────────▶ ├────────────▶ failed
   └── terminate ──── terminate ───────┴─ terminate ▶ terminated
"""

from dataclasses import dataclass, field
from typing import Literal

from pie.processes.events import EventQueue

ProcessState = Literal["waiting", "starting", "running", "returned", "failed", "terminated"]
ProcessAction = Literal["admit", "start", "succeed", "fail", "terminate"]

TRANSITIONS: dict[ProcessState, dict[ProcessAction, ProcessState]] = {
    "waiting": {"admit": "starting", "fail": "failed", "terminate": "terminated"},
    "starting": {"start": "running", "fail": "failed", "terminate": "terminated"},
    "running": {"succeed": "returned", "fail": "failed", "terminate": "terminated"},
    "returned": {},
    "failed": {},
    "terminated": {},
}


@dataclass(slots=True)
class Process:
    """What everybody may know about a process. `value` is the returned text or the error's text once it has ended."""

    id: str
    program: str
    username: str
    input: str
    created_ns: int
    events: EventQueue
    state: ProcessState = "waiting"
    value: str | None = field(default=None)
    tokens: int = 0
    """Computed for it so far: prefilled and drawn."""
    token_budget: int | None = None
    """How many tokens it may hand in and have drawn; None: any number."""
    first_tokens_ns: int | None = None
    """When the first were, by the clock of `created_ns`."""

    @property
    def ended(self) -> bool:
        return not TRANSITIONS[self.state]

    def apply(self, action: ProcessAction) -> None:
        """Go to the next state. An action that the state does not allow is a bug of the caller."""
        assert action in TRANSITIONS[self.state], f"{action} in state {self.state}"
        self.state = TRANSITIONS[self.state][action]
