"""`wasi:cli`: standard streams, and an environment with nothing in it. A guest is no terminal and inherits no variables."""

from pie.sandbox.interface import Err, GuestExit, Interface, Ok
from pie.wasi.state import HasWasi
from pie.wasi.streams import InputStream, OutputStream
from pie.wasi.version import versioned


class TerminalInput:
    """The resource `terminal-input`. There is never one: guests do not talk to terminals."""


class TerminalOutput:
    """The resource `terminal-output`. There is never one."""


def get_stdin(state: HasWasi) -> InputStream:
    return state.wasi.stdin


def get_stdout(state: HasWasi) -> OutputStream:
    return state.wasi.stdout


def get_stderr(state: HasWasi) -> OutputStream:
    return state.wasi.stderr


def _no_variables(_: HasWasi) -> list[tuple[str, str]]:
    return []


def _no_arguments(_: HasWasi) -> list[str]:
    return []


def _nothing(_: HasWasi) -> None:
    return None


def exit_with_status(_: HasWasi, status: Ok | Err) -> None:
    raise GuestExit(0 if isinstance(status, Ok) else 1)


def exit_with_code(_: HasWasi, code: int) -> None:
    raise GuestExit(code)


ENVIRONMENT = Interface(
    name=versioned("wasi:cli/environment"),
    functions={"get-environment": _no_variables, "get-arguments": _no_arguments, "initial-cwd": _nothing},
)
EXIT = Interface(name=versioned("wasi:cli/exit"), functions={"exit": exit_with_status, "exit-with-code": exit_with_code})

STDIN = Interface(
    name=versioned("wasi:cli/stdin"),
    functions={"get-stdin": get_stdin},
    resources={"input-stream": InputStream},
)
STDOUT = Interface(
    name=versioned("wasi:cli/stdout"),
    functions={"get-stdout": get_stdout},
    resources={"output-stream": OutputStream},
)
STDERR = Interface(
    name=versioned("wasi:cli/stderr"),
    functions={"get-stderr": get_stderr},
    resources={"output-stream": OutputStream},
)

TERMINAL_INPUT = Interface(
    name=versioned("wasi:cli/terminal-input"),
    functions={},
    resources={"terminal-input": TerminalInput},
)
TERMINAL_OUTPUT = Interface(
    name=versioned("wasi:cli/terminal-output"),
    functions={},
    resources={"terminal-output": TerminalOutput},
)
TERMINAL_STDIN = Interface(
    name=versioned("wasi:cli/terminal-stdin"),
    functions={"get-terminal-stdin": _nothing},
    resources={"terminal-input": TerminalInput},
)
TERMINAL_STDOUT = Interface(
    name=versioned("wasi:cli/terminal-stdout"),
    functions={"get-terminal-stdout": _nothing},
    resources={"terminal-output": TerminalOutput},
)
TERMINAL_STDERR = Interface(
    name=versioned("wasi:cli/terminal-stderr"),
    functions={"get-terminal-stderr": _nothing},
    resources={"terminal-output": TerminalOutput},
)

CLI = (
    ENVIRONMENT,
    EXIT,
    STDIN,
    STDOUT,
    STDERR,
    TERMINAL_INPUT,
    TERMINAL_OUTPUT,
    TERMINAL_STDIN,
    TERMINAL_STDOUT,
    TERMINAL_STDERR,
)
