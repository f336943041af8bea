"""Why a guest failed, in words for a person.

wasmtime's text has the backtrace first and the causes behind it, innermost last:

    error while executing at wasm backtrace:
        0:   0x1a2b - python.wasm!abort
        …

    Caused by:
        0: what a host function said
        1: wasm trap: …
"""

import re

from pie.errors import GuestError
from pie.sandbox.interface import GuestExit

_FRAME = re.compile(r"^\s*\d+:\s+0x[0-9a-f]+ - .*$", re.MULTILINE)
_CAUSE = re.compile(r"^\s*(?:\d+: )?(?P<text>\S.*)$")
_WORDS = {
    "wasm trap: call stack exhausted": "stack overflow: the program recursed too deeply",
    "wasm trap: wasm `unreachable` instruction executed": "the program aborted itself (`unreachable`)",
}


def failure(text: str, fault: BaseException | None) -> BaseException:
    """The exception for whoever called the guest. `text` is wasmtime's, `fault` what a host function raised, if one did."""
    if isinstance(fault, GuestExit) or (fault is not None and not isinstance(fault, Exception)):
        return fault
    error = GuestError(_message(text), backtrace="\n".join(frame.strip() for frame in _FRAME.findall(text)))
    error.__cause__ = fault
    return error


def _message(text: str) -> str:
    head, _, causes = text.partition("Caused by:")
    lines = [match["text"] for line in (causes or head).splitlines() if (match := _CAUSE.match(line)) and not _FRAME.match(line)]
    return ": ".join(_WORDS.get(line, line) for line in lines) or text
