"""What must hold in a component manifest beyond the shape of its structs. Pure; yields every fault."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sized
from pathlib import PurePosixPath
from typing import Any

from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.manifest_structs import NAME_PATTERN, ComponentManifest, Endpoint, Parameter, Resources, Worker
from pie_deploy.domain.quantity import parse_bytes
from pie_deploy.errors import DeployError
from pie_deploy.limits import (
    BODY_BYTES_MAX,
    CPU_MAX,
    ENDPOINTS_MAX,
    FILE_SLOTS_MAX,
    GPU_MAX,
    MEMORY_BYTES_MAX,
    MEMORY_BYTES_MIN,
    PARAMETERS_MAX,
    SLOTS_MAX,
    TAGS_MAX,
    TEXT_CHARACTERS_MAX,
)
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError, MismatchError
from pie_flow.literals import parse_literal
from pie_flow.types import Atom, Type
from pie_flow.unify import unify, variables

Fault = tuple[str, str]
"""The field, and what is wrong with it."""

_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/ -]{0,62}\Z", re.ASCII)
_PLACEHOLDER = re.compile(r"\{(port|parameter|file):([^{}]+)\}")
_STRING = Atom("String")
_ANSWER_MAX_NS = 3600 * 10**9


def faults(manifest: ComponentManifest) -> Iterator[Fault]:
    """Everything that is wrong, in the order of the file."""
    yield from _words(manifest)
    yield from _worker(manifest)
    yield from _endpoints(manifest)


def _words(manifest: ComponentManifest) -> Iterator[Fault]:
    if not _NAME.match(manifest.name):  # what the struct checks may end with a newline
        yield "name", f"{manifest.name[:80]!r} does not match {NAME_PATTERN}"
    yield from _text("summary", manifest.summary)
    for field, words in (("tags", manifest.tags), ("categories", manifest.categories)):
        yield from _count(field, words, TAGS_MAX)
        yield from ((field, f"{word[:80]!r} is not a word") for word in words if not _WORD.match(word))


def _worker(manifest: ComponentManifest) -> Iterator[Fault]:
    worker = manifest.worker
    yield from _program(manifest)
    for field, types in (("worker.input_types", worker.input_types), ("worker.output_types", worker.output_types)):
        yield from _count(field, types, SLOTS_MAX)
        for position, text in enumerate(types):
            yield from _type_faults(f"{field}[{position}]", text)
    yield from _count("worker.config_schema", worker.config_schema, PARAMETERS_MAX)
    for name, parameter in worker.config_schema.items():
        yield from _identifier("worker.config_schema", name)
        yield from _parameter(f"worker.config_schema.{name}", parameter)
    for field, slots in (("file_schema", worker.file_schema), ("generated_file_schema", worker.generated_file_schema)):
        yield from _count(f"worker.{field}", slots, FILE_SLOTS_MAX)
        for name, slot in slots.items():
            yield from _identifier(f"worker.{field}", name)
            yield from _file_slot(f"worker.{field}.{name}", slot.type, slot.description)
    yield from _resources(worker.resources)


def _program(manifest: ComponentManifest) -> Iterator[Fault]:
    worker, language = manifest.worker, manifest.language
    if language == "py":
        yield from _path("worker.entry", worker.entry)
    if language == "command" and not worker.argv:
        yield "worker.argv", "a command has at least one word"
    if language != "command" and (worker.argv or worker.environment):
        yield "worker.argv", "only language: command has argv and environment"
    if (language == "inferlet") != (worker.inferlet is not None):
        yield "worker.inferlet", "language: inferlet has it, the others have not"
    yield from _command(worker)
    if language == "command":
        yield from _placeholders(manifest)
    if worker.inferlet is not None:
        yield from _inferlet(worker)


def _command(worker: Worker) -> Iterator[Fault]:
    yield from _count("worker.argv", worker.argv, PARAMETERS_MAX)
    yield from _count("worker.environment", worker.environment, PARAMETERS_MAX)
    for number, word in enumerate(worker.argv):
        yield from _text(f"worker.argv[{number}]", word)
    for name, value in worker.environment.items():
        if not _VARIABLE.match(name) or name.upper().startswith(("PIE_CONTAINER", "PIE_DEPLOY_", "LD_")):
            yield "worker.environment", f"{name[:80]!r} cannot be set: not a name, or the platform's own"
        yield from _text(f"worker.environment.{name[:80]}", value)


def _placeholders(manifest: ComponentManifest) -> Iterator[Fault]:
    """What the words of a command refer to is declared."""
    worker = manifest.worker
    declared: dict[str, Mapping[str, object]] = {
        "port": manifest.http,
        "parameter": worker.config_schema,
        "file": worker.file_schema,
    }
    words = [(f"worker.argv[{number}]", word) for number, word in enumerate(worker.argv)]
    words += [(f"worker.environment.{name[:80]}", value) for name, value in worker.environment.items()]
    for field, word in words:
        for kind, name in _PLACEHOLDER.findall(word):
            if name not in declared[kind]:
                yield field, f"{{{kind}:{name[:80]}}}: there is no such {'endpoint' if kind == 'port' else kind}"


def _inferlet(worker: Worker) -> Iterator[Fault]:
    binding = worker.inferlet
    assert binding is not None
    if binding.program.endswith(".wasm"):
        yield from _path("worker.inferlet.program", binding.program)
    yield from _text("worker.inferlet.program", binding.program)
    name = binding.engine or "engine"
    parameter = worker.config_schema.get(name)
    if parameter is None or parameter.type not in ("String", "Url"):
        yield "worker.inferlet.engine", f"config_schema has no parameter {name[:80]} of type String, the engine's URL"


def _parameter(field: str, parameter: Parameter) -> Iterator[Fault]:
    yield from _text(f"{field}.description", parameter.description)
    wrong = [*_type_faults(f"{field}.type", parameter.type)]
    yield from wrong
    if wrong:
        return
    kind = CATALOGUE.parse(parameter.type)
    if variables(kind):
        yield f"{field}.type", f"{kind} has a type variable; a parameter's type is known"
    elif parameter.default is not None:
        yield from _literal(f"{field}.default", parameter.default, kind)


def _literal(field: str, text: str, kind: Type) -> Iterator[Fault]:
    try:
        parse_literal(text, kind)
    except FlowError as error:
        yield field, literal_message(error, text, kind)


def literal_message(error: FlowError, text: str, kind: Type) -> str:
    """What is wrong with a literal, and the remedy for what is wrong most often."""
    unquoted = kind == _STRING and not text.startswith('"')
    hint = "; a String's literal has quotes of its own: '\"text\"'" if unquoted else ""
    return f"{error}; its type is {kind}{hint}"


def _file_slot(field: str, file_type: str, description: str) -> Iterator[Fault]:
    if not _WORD.match(file_type):
        yield f"{field}.type", f"{file_type[:80]!r} is not a file type"
    yield from _text(f"{field}.description", description)


def _resources(resources: Resources) -> Iterator[Fault]:
    if not (math.isfinite(resources.cpu) and 0 < resources.cpu <= CPU_MAX):
        yield "worker.resources.cpu", f"more than 0 and at most {CPU_MAX:g} cores"
    if resources.cpu_max is not None and not (math.isfinite(resources.cpu_max) and 0 < resources.cpu_max <= CPU_MAX):
        yield "worker.resources.cpu_max", f"more than 0 and at most {CPU_MAX:g} cores"
    if not 0 <= resources.gpu <= GPU_MAX:
        yield "worker.resources.gpu", f"at least 0 and at most {GPU_MAX}"
    yield from _amount("worker.resources.memory", resources.memory, MEMORY_BYTES_MIN, MEMORY_BYTES_MAX, parse_bytes)
    yield from _count("worker.resources.labels", resources.labels, TAGS_MAX)
    for label in resources.labels:
        if not _NAME.match(label):
            yield "worker.resources.labels", f"{label[:80]!r} does not match {NAME_PATTERN}"


def _endpoints(manifest: ComponentManifest) -> Iterator[Fault]:
    yield from _count("http", manifest.http, ENDPOINTS_MAX)
    for name, endpoint in manifest.http.items():
        if not _NAME.match(name):
            yield "http", f"{name[:80]!r} does not match {NAME_PATTERN}"
            continue
        field = f"http.{name}"
        yield from _text(f"{field}.description", endpoint.description)
        yield from _transports(field, endpoint)
        yield from _binding(field, endpoint, manifest.worker)
        yield from _amount(f"{field}.timeout", endpoint.timeout, 10**6, _ANSWER_MAX_NS, parse_duration)
        yield from _amount(f"{field}.body_max", endpoint.body_max, 1, BODY_BYTES_MAX, parse_bytes)


def _transports(field: str, endpoint: Endpoint) -> Iterator[Fault]:
    if not endpoint.transports or len(set(endpoint.transports)) < len(endpoint.transports):
        yield f"{field}.transports", "each one once, and at least one"
    if endpoint.direction == "ingress" and "sse" in endpoint.transports:
        yield f"{field}.transports", "nothing comes in by sse; it is for an egress"


def _binding(field: str, endpoint: Endpoint, worker: Worker) -> Iterator[Fault]:
    ingress = endpoint.direction == "ingress"
    if not ingress and endpoint.into is not None:
        yield f"{field}.into", "an egress shows an output (`of`)"
    if ingress and endpoint.of is not None:
        yield f"{field}.of", "an ingress feeds an input (`into`)"
    if not ingress and endpoint.respond is not None:
        yield f"{field}.respond", "an egress does not respond"
    if ingress and endpoint.respond is not None and "ws" in endpoint.transports:
        yield f"{field}.respond", "a WebSocket waits for no answer; let callers listen at an egress with `ws`"
    if endpoint.respond is not None and not _NAME.match(endpoint.respond):
        yield f"{field}.respond", f"{endpoint.respond[:80]!r} does not match {NAME_PATTERN}"
    wrong = [*_type_faults(f"{field}.type", endpoint.type)]
    yield from wrong
    if not wrong and ingress and endpoint.into is not None:
        yield from _position(field, endpoint.type, "into", endpoint.into, "input", worker.input_types)
    if not wrong and not ingress and endpoint.of is not None:
        yield from _position(field, endpoint.type, "of", endpoint.of, "output", worker.output_types)


def _position(field: str, kind: str, key: str, position: int, slot: str, types: tuple[str, ...]) -> Iterator[Fault]:
    if not 0 <= position < len(types):
        yield f"{field}.{key}", f"there is no {slot} {position}: there are {len(types)}"
    elif not _agree(kind, types[position]):
        yield f"{field}.type", f"{kind} is not the type of {slot} {position}, {types[position]}"


def _agree(left: str, right: str) -> bool:
    """Whether two types unify; a fault of the right one is told elsewhere."""
    try:
        unify(CATALOGUE.parse(left), CATALOGUE.parse(right))
    except MismatchError:
        return False
    except FlowError:
        return True
    return True


def _type_faults(field: str, text: str) -> Iterator[Fault]:
    try:
        CATALOGUE.parse(text)
    except FlowError as error:
        yield field, str(error)


def _amount(field: str, text: str, least: int, most: int, parse: Callable[[str], int]) -> Iterator[Fault]:
    try:
        amount = parse(text)
    except DeployError as error:
        yield field, str(error)
        return
    if not least <= amount <= most:
        yield field, f"{text} is too {'little' if amount < least else 'much'}"


def _path(field: str, text: str) -> Iterator[Fault]:
    path = PurePosixPath(text)
    tricks = path.is_absolute() or ".." in path.parts or "\\" in text or not text.isprintable() or path == PurePosixPath()
    if tricks or len(text) > TEXT_CHARACTERS_MAX:
        yield field, f"{text[:80]!r} is not a path inside the component"


def _identifier(field: str, name: str) -> Iterator[Fault]:
    if not _IDENTIFIER.match(name):
        yield field, f"{name[:80]!r} is not an identifier"


def _text(field: str, text: str) -> Iterator[Fault]:
    if len(text) > TEXT_CHARACTERS_MAX or "\0" in text:
        yield field, f"text of at most {TEXT_CHARACTERS_MAX} characters, without NUL"


def _count(field: str, items: Sized | Mapping[str, Any], most: int) -> Iterator[Fault]:
    if len(items) > most:
        yield field, f"at most {most}; there are {len(items)}"
