"""Where the engine enters a program: turns the input text into a value, runs `main`, turns its result into text."""

import asyncio
import gc
import inspect
import json
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from inferlet import _host as host
from inferlet import _loop, checked
from inferlet._loop import GuestLoop, run
from inferlet.result import RESULT
from inferlet.session import as_text

Main = Callable[[Any], Any]

_WAY_IN = frozenset({__file__, _loop.__file__})
"""Files whose frames come before those of the program."""

_MOUNT = re.compile(r'File "/[0-9]/')
"""Where componentize-py puts the folders that it takes modules from."""


def enter(main: Main, text: str) -> str:
    """Runs a program. A failure is printed with its traceback and returned as the error arm of the result."""
    try:
        result = main(input_value(text))
        if asyncio.iscoroutine(result):
            result = run(result)
        return checked.text(output_text(result))
    except BaseException as failure:  # SystemExit and CancelledError too: they end the program, not the sandbox
        if isinstance(failure, SystemExit) and not failure.code:
            return output_text(None)
        print(failure_text(failure), file=sys.stderr, end="", flush=True)
        raise host.Err(reason(failure)) from None


def reason(failure: BaseException) -> str:
    """In a few words, what ended the program."""
    if isinstance(failure, SystemExit) and isinstance(failure.code, int):
        return f"the program ended itself with exit code {failure.code}"
    return _printable(str(failure) or type(failure).__name__)


def input_value(text: str) -> Any:
    """JSON as its value, anything else as `{"input": text}`."""
    try:
        return json.loads(text)
    except ValueError:
        return {"input": text}


def output_text(result: Any) -> str:
    """Nothing: what `set_return` was given, or an empty text. Texts as they are, anything else as JSON."""
    return RESULT.text or "" if result is None else as_text(result)


def failure_text(failure: BaseException) -> str:
    """The traceback from the program on, with files called by their names in the project."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename in _WAY_IN:
        trace = trace.tb_next
    lines = traceback.format_exception(type(failure), failure, trace)
    return _printable(_MOUNT.sub('File "', "".join(lines)))


def _printable(text: str) -> str:
    """Half a character (a lone surrogate) cannot leave the program as it is."""
    return text.encode(errors="backslashreplace").decode()


def check(main: object) -> None:
    """Raises `TypeError` unless the engine can call `main`. Done while a component is built."""
    if not callable(main):
        raise TypeError(f"`main` must be a function, not {type(main).__name__}")
    try:
        inspect.signature(main).bind(None)
    except TypeError:
        raise TypeError("`main` must take exactly one argument, the program's input") from None


def prepare(sources: Iterable[str]) -> None:
    """The last thing done while a component is built: what is in memory afterwards is what every process starts with."""
    for path in sources:  # tracebacks show lines of the source, and there are no files later
        lines = linecache.getlines(path)
        linecache.cache[path] = (sum(map(len, lines)), None, lines, path)
    asyncio.events.new_event_loop = GuestLoop  # so that asyncio.run works too
    run(_warm_up())
    gc.collect()
    gc.freeze()  # the collector would otherwise write to every page that the processes of one component share


async def _warm_up() -> None:
    """Walks the paths that every program takes: the interpreter specialises them, and modules that are loaded late are loaded."""
    for _ in range(8):
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(2)))
        output_text(input_value('{"prompt": "", "max_tokens": 1}'))
    failure_text(RuntimeError("never raised"))
