"""The manifest of a live test: a candidate and fixtures, the graph that they go into, and what must come out of it.

version: 1
name: bid-smoke
backend: {fork: prod-bid}                     # or graph: {vertices, edges, aliases}, as `pie backend apply` reads it
candidate: {component: ./, vertex: scorer}    # optional: published as a prerelease, swapped into the vertex
fixtures: {cat: {path: fixtures/cat.png, type: image}}
parameters: {scorer.threshold: "0.5"}
files: {scorer.model: "@cat"}                 # a fixture, or a file of the platform
deploy: {timeout: 5m, debug: false}
steps:
  - send: {role: upload, method: POST, body: "@cat"}
    expect: {status: 200, json: {label: {eq: cat}, score: {ge: 0.8}}, within: 5s}
  - expect_stream: {role: detections, count: {ge: 1}, within: 10s}
  - expect_log: {vertex: scorer, not_matches: Traceback}
  - expect_file: {vertex: report, slot: out, sha256: …}
collect: [{role: detections}, {vertex: report, slot: out}, {logs: all}]

Nothing is sent before the deployment runs. Generated files are saved when a deployment goes, so the first `expect_file` ends it:
what needs a running graph stands before. Streams are listened to from the start, so what a `send` sets off is not missed.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from pie_deploy.domain import expectation
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.fields import FieldError, convert
from pie_deploy.domain.graph_document import GraphDocument, Value, check_document
from pie_deploy.domain.manifest import Name, literal_text
from pie_deploy.domain.operations import AddFile, ChangeParameter, ChangeVersion, Operation
from pie_deploy.domain.suggestion import hint
from pie_deploy.domain.yaml_text import load_yaml
from pie_deploy.errors import InvalidArgumentError, ManifestError
from pie_deploy.limits import LIVE_TEST_BYTES_MAX, LIVE_TEST_STEPS_MAX

_SLOT = re.compile(r"(?P<vertex>[a-z][a-z0-9_-]{0,62})\.(?P<name>[A-Za-z_][A-Za-z0-9_-]{0,62})", re.ASCII)
SlotName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
_DIGEST = re.compile(r"[0-9a-f]{64}")


FOLDER_MARKS = ("./", "../", "/")
"""How the path of a component's folder begins in a graph; everything else is a name or an id."""


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Fork(_Struct, frozen=True, kw_only=True):
    fork: str
    """Name or id of the backend that the test runs a fork of."""
    at: int | None = None
    """Up to this operation of its log."""


class Candidate(_Struct, frozen=True, kw_only=True):
    component: str
    """The component's folder, relative to the manifest."""
    vertex: Name


class Fixture(_Struct, frozen=True, kw_only=True):
    path: str
    """Relative to the manifest."""
    type: str = "any"


class Deploy(_Struct, frozen=True, kw_only=True):
    timeout: str = "5m"
    """Until it runs."""
    debug: bool = False


class Send(_Struct, frozen=True, kw_only=True):
    role: Name
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "POST"
    path: str = ""
    """What follows the endpoint's URL."""
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    body: str | None = None
    """Text, or `@fixture`."""
    json: Any = msgspec.UNSET


class Answer(_Struct, frozen=True, kw_only=True):
    status: Any = msgspec.field(default_factory=lambda: {"lt": 400})
    json: Any = msgspec.UNSET
    text: Any = msgspec.UNSET
    headers: dict[str, Any] = {}
    within: str = "30s"


class ExpectStream(_Struct, frozen=True, kw_only=True):
    role: Name
    count: Any = msgspec.field(default_factory=lambda: {"ge": 1})
    """Of the values that have come since the start, and are as `json` says."""
    json: Any = msgspec.UNSET
    within: str = "10s"


class ExpectLog(_Struct, frozen=True, kw_only=True):
    vertex: Name
    matches: str | None = None
    not_matches: str | None = None
    within: str = "5s"
    """Until a line matches; what must not match is looked at once."""


class ExpectFile(_Struct, frozen=True, kw_only=True):
    vertex: Name
    slot: SlotName
    sha256: str | None = None
    size: Any = msgspec.UNSET
    """In bytes."""


class Step(_Struct, frozen=True, kw_only=True):
    """One of the four."""

    send: Send | None = None
    expect: Answer | None = None
    expect_stream: ExpectStream | None = None
    expect_log: ExpectLog | None = None
    expect_file: ExpectFile | None = None

    @property
    def kind(self) -> str:
        return next(name for name in STEPS if getattr(self, name) is not None)


STEPS = ("send", "expect_stream", "expect_log", "expect_file")


class Collect(_Struct, frozen=True, kw_only=True):
    """The values of a role, a generated file, or logs; one of the three."""

    role: Name | None = None
    vertex: Name | None = None
    slot: SlotName | None = None
    logs: str | None = None
    """A vertex, or `all`."""


class LiveTest(_Struct, frozen=True, kw_only=True):
    version: Literal[1] = 1
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    """At most 40 characters: the backend that is made for it has some more."""
    backend: Fork | None = None
    graph: GraphDocument | None = None
    candidate: Candidate | None = None
    fixtures: dict[Name, Fixture] = {}
    parameters: dict[str, Value] = {}
    files: dict[str, str] = {}
    deploy: Deploy = Deploy()
    steps: Annotated[tuple[Step, ...], msgspec.Meta(max_length=LIVE_TEST_STEPS_MAX)] = ()
    collect: tuple[Collect, ...] = ()


def parse_live_test(text: str | bytes, file_name: str = "test.yml") -> LiveTest:
    """Raises ManifestError, which names the field."""
    value = load_yaml(text, file_name, bytes_max=LIVE_TEST_BYTES_MAX)
    try:
        test = convert(value, LiveTest)
        _check(test)
    except FieldError as error:
        raise ManifestError(f"{file_name}: {error}", hint=error.hint) from error
    except (ManifestError, InvalidArgumentError) as error:
        raise ManifestError(f"{file_name}: {error}", error.details, error.hint) from error
    return test


def streamed_roles(test: LiveTest) -> list[str]:
    """The roles whose values are listened to."""
    wanted = [step.expect_stream.role for step in test.steps if step.expect_stream]
    return list(dict.fromkeys(wanted + [one.role for one in test.collect if one.role]))


def folders(test: LiveTest) -> list[str]:
    """Of the components that are published for the test, as the manifest writes them; each once."""
    wanted = [vertex.component or "" for vertex in test.graph.vertices.values()] if test.graph is not None else []
    found = [ref for ref in wanted if ref.startswith(FOLDER_MARKS)]
    return list(dict.fromkeys(([test.candidate.component] if test.candidate else []) + found))


def operations(test: LiveTest, candidate_id: str | None, file_ids: Mapping[str, str]) -> list[Operation]:
    """What the test changes in its graph: the candidate's version, parameters, files. `file_ids` by fixture."""
    found: list[Operation] = []
    if test.candidate is not None and candidate_id is not None:
        found.append(ChangeVersion(vertex=test.candidate.vertex, component=candidate_id))
    for slot, value in test.parameters.items():
        vertex, name = slot.split(".", 1)
        found.append(ChangeParameter(vertex=vertex, name=name, value=value if isinstance(value, str) else literal_text(value)))
    for slot, file in test.files.items():
        vertex, name = slot.split(".", 1)
        found.append(AddFile(vertex=vertex, slot=name, file=file_ids[file[1:]] if file.startswith("@") else file))
    return found


# --- Checks ----------------------------------------------------------------------------------------------------------


def _check(test: LiveTest) -> None:
    if (test.backend is None) == (test.graph is None):
        raise ManifestError("give a backend to fork or a graph, one of the two")
    if test.graph is not None:
        check_document(test.graph)
    parse_duration(test.deploy.timeout)
    for slot in [*test.parameters, *test.files]:
        if not _SLOT.fullmatch(slot):
            raise ManifestError(f"{slot[:140]!r} is not like `vertex.name`")
    for slot, file in test.files.items():
        _check_fixture(test, file, f"files.{slot}")
    for number, one in enumerate(test.collect):
        if [one.role is not None, one.vertex is not None or one.slot is not None, one.logs is not None].count(True) != 1:
            raise ManifestError(f"collect[{number}]: give a role, a vertex and its slot, or logs; one of the three")
        if (one.vertex is None) != (one.slot is None):
            raise ManifestError(f"collect[{number}]: a generated file has a vertex and a slot")
    _check_steps(test)


def _check_steps(test: LiveTest) -> None:
    is_over = False
    for number, step in enumerate(test.steps):
        field = f"steps[{number}]"
        if [getattr(step, name) is not None for name in STEPS].count(True) != 1:
            raise ManifestError(f"{field}: give one of {', '.join(STEPS)}")
        if is_over and step.kind in ("send", "expect_stream"):
            raise ManifestError(f"{field}: {step.kind} stands before every expect_file, which ends the deployment")
        is_over = is_over or step.kind == "expect_file"
        if step.expect is not None and step.send is None:
            raise ManifestError(f"{field}: expect belongs to send")
        _check_step(test, step, field)


def _check_step(test: LiveTest, step: Step, field: str) -> None:
    if step.send is not None:
        _check_send(test, step.send, step.expect or Answer(), field)
    if step.expect_stream is not None:
        parse_duration(step.expect_stream.within)
        expectation.check(step.expect_stream.count, f"{field}.expect_stream.count")
        expectation.check(_given(step.expect_stream.json), f"{field}.expect_stream.json")
    if step.expect_log is not None:
        _check_log(step.expect_log, f"{field}.expect_log")
    if step.expect_file is not None:
        expectation.check(_given(step.expect_file.size), f"{field}.expect_file.size")
        if step.expect_file.sha256 is not None and not _DIGEST.fullmatch(step.expect_file.sha256):
            raise ManifestError(f"{field}.expect_file.sha256: 64 hexadecimal digits")


def _check_send(test: LiveTest, send: Send, answer: Answer, field: str) -> None:
    if send.body is not None and send.json is not msgspec.UNSET:
        raise ManifestError(f"{field}.send: give body or json, one of the two")
    if send.body is not None:
        _check_fixture(test, send.body, f"{field}.send.body")
    if send.path and not send.path.startswith("/"):
        raise ManifestError(f"{field}.send.path: starts with /")
    parse_duration(answer.within)
    for name in ("status", "json", "text"):
        expectation.check(_given(getattr(answer, name)), f"{field}.expect.{name}")
    for name, expected in answer.headers.items():
        expectation.check(expected, f"{field}.expect.headers.{name}")


def _check_log(expected: ExpectLog, field: str) -> None:
    parse_duration(expected.within)
    if expected.matches is None and expected.not_matches is None:
        raise ManifestError(f"{field}: give matches or not_matches")
    for name in ("matches", "not_matches"):
        pattern = getattr(expected, name)
        if pattern is not None:
            expectation.check({"matches": pattern}, f"{field}.{name}")


def _check_fixture(test: LiveTest, reference: str, field: str) -> None:
    if reference.startswith("@") and reference[1:] not in test.fixtures:
        raise ManifestError(f"{field}: there is no fixture {reference[1:][:80]!r}", hint=hint(reference[1:], test.fixtures))


def _given(expected: Any) -> Any:
    return None if expected is msgspec.UNSET else expected
