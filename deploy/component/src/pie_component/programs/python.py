"""`language: py`: the component's module runs as `__main__` and calls `run`."""

import inspect
import runpy
import sys
from functools import partial
from pathlib import Path
from typing import Any

from pie_component.author import Author, Plan
from pie_component.container import Container, folder
from pie_component.errors import PreconditionError
from pie_component.logs import log
from pie_component.modes.default import DefaultMode
from pie_component.modes.mode import Emitter, Mode, OneByOne
from pie_component.programs.serving import server_maker
from pie_flow.container import PythonProgram


class Idle(OneByOne):
    """The mode of a component without a function."""

    def tick(self) -> bool:
        return False


def run_python(container: Container, program: PythonProgram, author: Author) -> None:
    """Run the module to its end. Raises RefusalError, SystemExit, and what the module raises."""
    entry = folder(container.spec.component_folder) / program.entry
    if not entry.is_file():
        raise PreconditionError(f"the component has no {program.entry}")
    container.configure()
    author.generated_folder = Path(container.spec.generated_folder)
    author.cache_folder = Path(container.spec.cache_folder)
    author.runner = partial(_run, container, author)
    sys.argv = [str(entry)]
    sys.path.insert(0, str(entry.parent))
    try:
        _run_module(entry, author)
        if not author.has_run and not container.spec.finite:
            if not author.endpoint.handlers:
                raise PreconditionError(f"{program.entry} ended without calling run")
            author.runner(Plan())
    finally:
        author.async_thread.close(1.0)


def _run_module(entry: Path, author: Author) -> None:
    """Raises PreconditionError for a module that will never be loaded."""
    try:
        runpy.run_path(str(entry), run_name="__main__")
    except (ImportError, SyntaxError) as error:
        if author.has_run:
            raise
        log.exception("%s cannot be loaded", entry.name)
        helps = "; what it needs stands in requirements.txt, pinned" if isinstance(error, ModuleNotFoundError) else ""
        raise PreconditionError(f"{entry.name} cannot be loaded: {error}{helps}") from error


def _run(container: Container, author: Author, plan: Plan) -> None:
    """What `run` does."""
    container.link.step("imported")
    container.link.step("configured")
    container.handlers = author.endpoint.handlers
    if author.ready.is_later:
        container.hold()
    author.ready.release = container.release
    container.stand_by()
    container.wait_for_go()
    container.connect(server_maker(container, author.async_thread))
    if container.server is not None:
        author.endpoint.show = container.server.show
    author.virtual_input.bind(container.wake.set)
    author.virtual_out.bind(container.wake.set)
    container.work(
        partial(_mode, container, author, plan),
        push=author.virtual_out.push if plan.use_virtual_output else None,
        virtual_input=author.virtual_input if plan.wants_virtual_input else None,
        virtual_output=author.virtual_out if plan.use_virtual_output else None,
    )


def _mode(container: Container, author: Author, plan: Plan, emitter: Emitter) -> Mode:
    function = plan.function
    if function is None:
        return Idle()
    queues = [slot.queue for slot in container.inputs]
    common: dict[str, Any] = {}
    if plan.wants_virtual_input:
        queues.append(author.virtual_input.queue)
        common["keywords"] = ("virtual_input",)
    _check_signature(plan, len(container.inputs))
    if plan.is_async:
        from pie_component.modes.concurrent import ConcurrentMode

        return ConcurrentMode(
            function,
            queues,
            emitter,
            container.counters,
            submit=author.async_thread.submit,
            wake=container.wake.set,
            calls_max=plan.concurrency,
            **common,
        )
    if plan.has_state:
        from pie_component.state import Checkpoint, Keeper  # few components are stateful

        common["keeper"] = Keeper(Checkpoint(Path(container.spec.work_folder)), plan.initial_state)
    if plan.initial_pull_request is not None:
        from pie_component.modes.streaming import StreamingMode

        return StreamingMode(function, queues, emitter, container.counters, plan.initial_pull_request, **common)
    return DefaultMode(function, queues, emitter, container.counters, **common)


def _check_signature(plan: Plan, inputs: int) -> None:
    """Raises PreconditionError when the function does not take what it will be given."""
    assert plan.function is not None
    names = [*(["virtual_input"] if plan.wants_virtual_input else []), *(["state"] if plan.has_state else [])]
    try:
        inspect.signature(plan.function).bind(*[None] * inputs, **dict.fromkeys(names))
    except TypeError as error:
        given = ", ".join([f"{inputs} positional", *names])
        raise PreconditionError(f"the function does not take its inputs ({given}): {error}") from error
    except ValueError:
        return  # a function of C that does not say what it takes
