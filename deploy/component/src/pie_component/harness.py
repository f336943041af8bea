"""`python -m pie_component test FOLDER`: tries a component out, JSON lines in, JSON lines out.

A line is a value for the only input; with several inputs it is `{"input": N, "value": …}`. What comes out is
`{"output": N, "value": …}`, or `{"output": N, "failure": …}`. A component without inputs runs until it ends or Ctrl-C.
"""

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pie_component.errors import ComponentError
from pie_component.limits import TRIAL_QUIET_S
from pie_component.trial import Shown, Trial, TrialError
from pie_flow.catalogue import CATALOGUE
from pie_flow.container import InferletProgram, ParameterSpec, Program, PythonProgram
from pie_flow.envelope import Failure
from pie_flow.errors import FlowError
from pie_flow.types import Type
from pie_flow.values import from_json, to_json


class _Parameter(msgspec.Struct):
    type: str
    default: str | int | float | bool | None = None
    """A literal; a number or a truth value may stand without its quotes."""
    mutable: bool = False

    @property
    def literal(self) -> str:
        return self.default if isinstance(self.default, str) else msgspec.json.encode(self.default).decode()


class _FileSlot(msgspec.Struct):
    required: bool = True


class _Inferlet(msgspec.Struct):
    program: str
    engine: str | None = None


class _Worker(msgspec.Struct):
    entry: str = "src/main.py"
    inferlet: _Inferlet | None = None
    input_types: list[str] = []
    output_types: list[str] = []
    config_schema: dict[str, _Parameter] = {}
    file_schema: dict[str, _FileSlot] = {}
    finite: bool = False


class Manifest(msgspec.Struct):
    """What the harness needs of `component.yml`; the platform checks all of it when it is published."""

    name: str
    language: str = "py"
    worker: _Worker = msgspec.field(default_factory=_Worker)


class Harness:
    """One component, ready to be tried out."""

    def __init__(self, folder: Path, *, literals: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None) -> None:
        """`literals`: parameter values; `files`: paths by slot. Raises TrialError."""
        self.folder = folder.resolve()
        self.manifest = _manifest(self.folder / "component.yml")
        self._literals = dict(literals or {})
        self._files = {slot: str(Path(path).resolve()) for slot, path in (files or {}).items()}
        worker = self.manifest.worker
        try:
            self._input_types = [CATALOGUE.parse(text) for text in worker.input_types]
            self._output_types = [CATALOGUE.parse(text) for text in worker.output_types]
        except FlowError as error:
            raise TrialError(f"component.yml: {error}") from error

    def trial(self) -> Trial:
        """Raises TrialError."""
        worker = self.manifest.worker
        return Trial(
            self._program(),
            self.folder,
            inputs=worker.input_types,
            outputs=worker.output_types,
            parameters=self._parameters(),
            files=self._bound_files(),
            finite=worker.finite,
        )

    def lines(self, trial: Trial, lines: Iterable[str], *, quiet_s: float = TRIAL_QUIET_S) -> Iterator[str]:
        """Send what the lines say, give what comes out as lines. Raises TrialError for a line that makes no sense."""
        for number, line in enumerate(lines, 1):
            if line.strip():
                position, value = self._message(line, number)
                yield from map(self._line, trial.send(position, value))
        yield from map(self._line, trial.results(quiet_s=quiet_s))

    def _program(self) -> Program:
        worker = self.manifest.worker
        if self.manifest.language == "py":
            return PythonProgram(entry=worker.entry)
        if self.manifest.language == "inferlet" and worker.inferlet is not None:
            name = worker.inferlet.engine or "engine"
            engine = self._literals.get(name)
            if engine is None:
                raise TrialError(f"which engine? --set '{name}=\"ws://127.0.0.1:8080\"'")
            return InferletProgram(program=worker.inferlet.program, engine=json.loads(engine))
        raise TrialError(f"a component of language {self.manifest.language} has nothing to try out: start it yourself")

    def _parameters(self) -> dict[str, ParameterSpec]:
        schema = self.manifest.worker.config_schema
        unknown = sorted(self._literals.keys() - schema.keys())
        if unknown:
            raise TrialError(f"no such parameter: {', '.join(unknown)}")
        missing = sorted(name for name, slot in schema.items() if slot.default is None and name not in self._literals)
        if missing:
            raise TrialError(f"parameters without a value: {', '.join(missing)} (--set NAME=LITERAL)")
        return {
            name: ParameterSpec(type=slot.type, value=self._literals.get(name, slot.literal), mutable=slot.mutable)
            for name, slot in schema.items()
        }

    def _bound_files(self) -> dict[str, str]:
        slots = self.manifest.worker.file_schema
        missing = sorted(slot for slot, entry in slots.items() if entry.required and slot not in self._files)
        if missing:
            raise TrialError(f"file slots without a file: {', '.join(missing)} (--file SLOT=PATH)")
        return self._files

    def _message(self, line: str, number: int) -> tuple[int, Any]:
        try:
            if len(self._input_types) == 1:
                return 0, from_json(line, self._input_types[0])
            message = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            position = msgspec.json.decode(message["input"], type=int)
            kind = self._input_type(position)
            return position, from_json(bytes(message["value"]), kind)
        except KeyError as error:
            raise TrialError(f'line {number}: with {len(self._input_types)} inputs it is {{"input": N, "value": …}}') from error
        except (FlowError, ValueError) as error:
            raise TrialError(f"line {number}: {error}") from error

    def _input_type(self, position: int) -> Type:
        if not 0 <= position < len(self._input_types):
            raise TrialError(f"there is no input {position}")
        return self._input_types[position]

    def _line(self, shown: Shown) -> str:
        if isinstance(shown.value, Failure):
            return msgspec.json.encode({"output": shown.output, "failure": shown.value.message}).decode()
        value = to_json(shown.value, self._output_types[shown.output]).decode()
        return f'{{"output":{shown.output},"value":{value}}}'


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: everything was answered; 1: a message failed, or the component does not run; 2: usage."""
    options = _options(arguments)
    if options is None:
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the component too
    try:
        harness = Harness(Path(options.folder), literals=options.set, files=options.file)
        return _run(harness, options)
    except ComponentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # whoever reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(harness: Harness, options: argparse.Namespace) -> int:
    lines = _input_lines(options.input) if harness.manifest.worker.input_types else ()
    has_failed = False
    with harness.trial() as trial:
        for line in harness.lines(trial, lines, quiet_s=options.wait):
            has_failed = has_failed or '"failure":' in line[:24]
            print(line, flush=True)
        if options.generated is not None:
            shutil.copytree(trial.generated_folder, options.generated, dirs_exist_ok=True)
    return int(has_failed)


def _input_lines(path: str | None) -> Iterator[str]:
    if path is None:
        yield from sys.stdin
    else:
        with Path(path).open() as file:
            yield from file


def _options(arguments: Sequence[str]) -> argparse.Namespace | None:
    parser = argparse.ArgumentParser(prog="python -m pie_component test", description=__doc__, exit_on_error=False)
    parser.add_argument("folder", help="of the component, with its component.yml")
    parser.add_argument("--input", metavar="FILE", help="JSON lines to send, instead of stdin")
    parser.add_argument("--set", metavar="NAME=LITERAL", action="append", default=[], type=_pair, help="a parameter's value")
    parser.add_argument("--file", metavar="SLOT=PATH", action="append", default=[], type=_pair, help="a file for a slot")
    parser.add_argument("--wait", metavar="SECONDS", type=float, default=TRIAL_QUIET_S, help="for an answer that does not come")
    parser.add_argument("--generated", metavar="FOLDER", help="where generated files are copied to")
    try:
        options = parser.parse_args(arguments)
    except argparse.ArgumentError as error:
        print(f"error: {error}", file=sys.stderr)
        return None
    options.set, options.file = dict(options.set), dict(options.file)
    return options


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _manifest(path: Path) -> Manifest:
    try:
        import yaml  # type: ignore[import-untyped]  # of the platform: containers do without
    except ImportError as error:
        raise TrialError("PyYAML is needed to read component.yml: pip install pyyaml") from error
    try:
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Manifest)
    except FileNotFoundError as error:
        raise TrialError(f"there is no {path}") from error
    except (OSError, yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise TrialError(f"{path}: {error}") from error
