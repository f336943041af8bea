"""What the author of a component uses. There is one container per process, and these objects speak for it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pie_component.async_thread import AsyncThread
from pie_component.config import Config, Files
from pie_component.errors import ConfigError, NotInContainerError, PreconditionError
from pie_component.limits import ASYNC_CALLS_MAX
from pie_component.virtual import VirtualInput, VirtualOutput

F = TypeVar("F", bound=Callable[..., Any])


class Endpoints:
    """`@endpoint("name")` makes a function the handler of an endpoint; `endpoint.emit` shows a value at an egress."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self.show: Callable[[str, int, Any], None] | None = None

    def __call__(self, name: str) -> Callable[[F], F]:
        def register(handler: F) -> F:
            self.handlers[name] = handler
            return handler

        return register

    def emit(self, name: str, value: Any, correlation: int = 0) -> None:
        """Show a value at an egress that has no output of its own (`of`), from any thread. `correlation`: id of the request that it
        answers. Raises ConfigError for an endpoint that is no egress, ValueTypeError."""
        if self.show is None:
            raise NotInContainerError("endpoint.emit: the container does not run yet")
        try:
            self.show(name, correlation, value)
        except KeyError:
            raise ConfigError(f"{name} is no egress of the component") from None


class Readiness:
    """A component is ready when its edges are connected. One that needs longer says `ready.later()` before `run`, and `ready()`
    when it is, from any thread."""

    def __init__(self) -> None:
        self.is_later = False
        self.release: Callable[[], None] | None = None

    def __call__(self) -> None:
        self.is_later = False
        if self.release is not None:
            self.release()

    def later(self) -> None:
        self.is_later = True


class Author:
    """All of it."""

    def __init__(self) -> None:
        self.config = Config()
        self.files = Files()
        self.endpoint = Endpoints()
        self.ready = Readiness()
        self.virtual_input = VirtualInput()
        self.virtual_out = VirtualOutput()
        self.async_thread = AsyncThread()
        self.runner: Callable[[Plan], None] | None = None
        """Set by the container; runs what `run` was told."""
        self.generated_folder: Path | None = None
        self.cache_folder: Path | None = None
        self.has_run = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `run` was told. Raises PreconditionError when it makes no sense."""

    function: Callable[..., Any] | None = None
    has_state: bool = False
    initial_state: Any = None
    initial_pull_request: Any = None
    use_virtual_output: bool = False
    concurrency: int = 1

    def __post_init__(self) -> None:
        if self.function is not None and not callable(self.function):
            raise PreconditionError(f"run takes a function; a {type(self.function).__name__} is not callable")
        if self.is_async and (self.has_state or self.initial_pull_request is not None):
            raise PreconditionError("an async function has neither a state nor pull requests: its calls overlap")
        if self.concurrency < 1:
            raise PreconditionError("concurrency is at least 1")

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function) or inspect.isasyncgenfunction(self.function)

    @property
    def wants_virtual_input(self) -> bool:
        return self.function is not None and _has_parameter(self.function, "virtual_input")


def _has_parameter(function: Callable[..., Any], name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


author = Author()
_UNSET = object()


def run(
    function: Callable[..., Any] | None = None,
    *,
    initial_state: Any = _UNSET,
    initial_pull_request: Any = None,
    use_virtual_output: bool = False,
    concurrency: int = ASYNC_CALLS_MAX,
) -> None:
    """Let the function have the messages; returns when the container is to end.

    Default: one message of each input, in the manifest's order, becomes one result; several outputs are a tuple, None is no
    message, a generator gives several. With `initial_state` the function gets the keyword `state` and returns
    `{"output": …, "state": …}`. With `initial_pull_request` it gets lists and returns `{"output": …, "pull_request": …}`
    (`pie_component.modes.streaming`). A function with a parameter `virtual_input` gets what is pushed to `virtual_input`; with
    `use_virtual_output` the last part of its result goes to `virtual_out`. An `async` function or async generator has up to
    `concurrency` calls at once, results stay in order. Without a function only the endpoints are served.
    """
    if author.runner is None:
        raise NotInContainerError("run: this is not a container; try `pie component test`")
    if author.has_run:
        raise PreconditionError("run was called twice")
    author.has_run = True
    has_state = initial_state is not _UNSET
    author.runner(
        Plan(
            function=function,
            has_state=has_state,
            initial_state=initial_state if has_state else None,
            initial_pull_request=initial_pull_request,
            use_virtual_output=use_virtual_output,
            concurrency=concurrency,
        )
    )


def generated(slot: str) -> Path:
    """Where to write a generated file: a file or a folder of this path is saved when the deployment goes."""
    if author.generated_folder is None:
        raise NotInContainerError(f"generated({slot!r}): only a container has generated files; try `pie component test`")
    if not slot or slot in (".", "..") or "/" in slot or "\0" in slot:
        raise ConfigError(f"{slot!r} is no name of a generated file")
    return author.generated_folder / slot


def cache_folder() -> Path:
    """Where to keep what is costly to get: it belongs to all containers of the component, and survives deployments."""
    if author.cache_folder is None:
        raise NotInContainerError("cache_folder(): only a container has one; try `pie component test`")
    return author.cache_folder
