"""A live test from its lease to its result, against a platform in memory and endpoints on a real port."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from live_test_platform import Endpoints, FakePlatform, serving

from pie_deploy.clock import ManualClock
from pie_deploy.errors import Detail, ManifestError, RuntimeFullError, StorageError, UnreachableError
from pie_deploy.live_test import Event, Packed, run_live_test, steps

FORK = """
name: smoke
backend: {fork: wordcount}
"""
SEND = """
steps:
  - send: {role: text, body: hello}
    expect: {status: 200, text: hello, within: 60s}
"""


@pytest.fixture
async def endpoints() -> AsyncIterator[Endpoints]:
    yield Endpoints()


@pytest.fixture
async def platform(endpoints: Endpoints) -> AsyncIterator[FakePlatform]:
    async with serving(endpoints) as url:
        yield FakePlatform(url=url)


def written(folder: Path, text: str) -> Path:
    path = folder / "test.yml"
    path.write_text(dedent(text))
    return path


async def run(platform: FakePlatform, folder: Path, text: str, **settings: Any) -> list[Event]:
    clock = ManualClock(1_700_000_000_500_000_000)
    path = written(folder, text)
    return [event async for event in run_live_test(platform, path, pack=packing(platform), clock=clock, **settings)]


def packing(platform: FakePlatform) -> Callable[[Path], Packed]:
    return lambda folder: Packed(f"archive of {folder.name}".encode(), platform.manifest())


def types(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def one(events: list[Event], kind: str) -> Event:
    (event,) = [event for event in events if event["type"] == kind]
    return event


# --- The whole way ---------------------------------------------------------------------------------------------------


async def test_a_test_that_passes_goes_through_every_event(platform: FakePlatform, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"a cat")
    manifest = (
        FORK
        + """
candidate: {component: ./scorer, vertex: count}
fixtures: {cat: {path: cat.png, type: image}}
"""
        + SEND
        + "collect: [{logs: count}]"
    )
    events = await run(platform, tmp_path, manifest)
    assert types(events) == [
        "lease.created",
        "build.started",
        "build.log",
        "build.finished",
        "file.uploaded",
        "backend.ready",
        "deploy.started",
        "deploy.container",
        "deploy.container",
        "deploy.running",
        "step.passed",
        "output.collected",
        "test.ready",
        "lease.closed",
        "result",
    ]


async def test_events_are_numbered_and_stamped(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(platform, tmp_path, FORK)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["at"] for event in events} == {"2023-11-14T22:13:20.500Z"}


async def test_events_are_json(platform: FakePlatform, tmp_path: Path) -> None:
    assert json.loads(json.dumps(await run(platform, tmp_path, FORK + SEND)))


async def test_the_result_says_what_every_step_has_come_to(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(platform, tmp_path, FORK + SEND + "  - expect_log: {vertex: count, matches: never, within: 0s}")
    result = events[-1]
    assert (result["verdict"], [step["passed"] for step in result["steps"]]) == ("failed", [True, False])
    assert result["steps"][1]["failures"] == ["no line of 0 matches 'never'"]


async def test_the_verdict_is_attached_to_the_lease(platform: FakePlatform, tmp_path: Path) -> None:
    await run(platform, tmp_path, FORK)
    assert platform.result is not None and platform.result["verdict"] == "passed"


async def test_the_lease_is_rolled_back(platform: FakePlatform, tmp_path: Path) -> None:
    platform.closing = ["rolling_back", "rolling_back"]
    events = await run(platform, tmp_path, FORK)
    assert one(events, "lease.closed")["state"] == "rolled_back"


async def test_a_verdict_that_a_lease_does_not_take_does_not_keep_it_open(platform: FakePlatform, tmp_path: Path) -> None:
    platform.refusals["result"] = StorageError("the disk is full")
    events = await run(platform, tmp_path, FORK)
    assert (one(events, "lease.closed")["state"], events[-1]["error"]["code"]) == ("rolled_back", "storage")


async def test_a_lease_may_be_kept(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(platform, tmp_path, FORK, keep_lease=True)
    assert one(events, "lease.closed")["kept"] and not platform.bodies("/rollback")


async def test_the_lease_is_kept_alive(platform: FakePlatform, tmp_path: Path) -> None:
    platform.ttl_ns = 40_000_000
    step = "\nsteps: [{expect_log: {vertex: count, matches: beat, within: 60s}}]"

    def beat(*_: object) -> list[str]:
        return ["beat"] if platform.bodies("/heartbeat") else []

    platform.logs = _Logs(beat)
    assert (await run(platform, tmp_path, FORK + step))[-1]["verdict"] == "passed"


class _Logs(dict[str, list[str]]):
    def __init__(self, lines: Any) -> None:
        super().__init__()
        self._lines = lines

    def get(self, key: str, default: Any = None) -> list[str]:
        found: list[str] = self._lines(key)
        return found


# --- What goes into the graph ----------------------------------------------------------------------------------------


async def test_the_candidate_parameters_and_fixtures_go_into_the_fork(platform: FakePlatform, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"a cat")
    manifest = (
        FORK
        + """
candidate: {component: ./scorer, vertex: count}
fixtures: {cat: {path: cat.png}}
parameters: {count.top: 3, count.label: '"x"'}
files: {count.model: "@cat", count.other: f-9}
"""
    )
    await run(platform, tmp_path, manifest)
    assert platform.bodies("/fork") == [{"name": "smoke-abc", "lease": "l-abc"}]
    (appended,) = platform.bodies("/operations")
    assert appended["operations"] == [
        {"op": "change-version", "vertex": "count", "component": "cv-1"},
        {"op": "change-parameter", "vertex": "count", "name": "top", "value": "3"},
        {"op": "change-parameter", "vertex": "count", "name": "label", "value": '"x"'},
        {"op": "add-file", "vertex": "count", "slot": "model", "file": "f-1"},
        {"op": "add-file", "vertex": "count", "slot": "other", "file": "f-9"},
    ]


async def test_everything_that_is_made_belongs_to_the_lease(platform: FakePlatform, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"a cat")
    await run(platform, tmp_path, FORK + "candidate: {component: ., vertex: v}\nfixtures: {cat: {path: cat.png}}")
    made = [body["lease"] for end in ("/components", "/files", "/fork", "/deployment") for body in platform.bodies(end)]
    assert made == ["l-abc"] * 4


async def test_folders_in_a_graph_are_published_once(platform: FakePlatform, tmp_path: Path) -> None:
    manifest = """
    name: smoke
    graph:
      vertices: {a: {component: ./one}, b: {component: ./one}, c: {component: count@3}}
      aliases: {a.text: text}
    """
    await run(platform, tmp_path, manifest)
    assert [body["body"] for body in platform.bodies("/components")] == [b"archive of one"]
    (applied,) = platform.bodies("/apply")
    assert [vertex["component"] for vertex in applied["document"]["vertices"].values()] == ["cv-1", "cv-1", "count@3"]


async def test_the_deployment_is_as_the_manifest_says(platform: FakePlatform, tmp_path: Path) -> None:
    await run(platform, tmp_path, FORK + "deploy: {timeout: 90s, debug: true}", runtime="lab")
    assert platform.bodies("/deployment") == [{"debug": True, "lease": "l-abc", "startup_timeout": "90s", "runtime": "lab"}]


# --- Steps -----------------------------------------------------------------------------------------------------------


async def test_a_fixture_is_sent_as_it_is(platform: FakePlatform, endpoints: Endpoints, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG")
    step = 'steps: [{send: {role: text, path: /x, query: {q: "1"}, body: "@cat"}}]'
    await run(platform, tmp_path, FORK + "fixtures: {cat: {path: cat.png}}\n" + step)
    method, path, headers, body = endpoints.asked[0]
    assert (method, path, headers["content-type"], body) == ("POST", "/text/x?q=1", "image/png", b"\x89PNG")


async def test_an_answer_is_held_against_what_is_expected(platform: FakePlatform, tmp_path: Path) -> None:
    step = """
steps:
  - send: {role: text, json: {label: dog, score: 0.5}}
    expect: {status: 201, json: {label: {eq: cat}, score: {ge: 0.8}}, headers: {x-answer: "no"}, within: 60s}
"""
    events = await run(platform, tmp_path, FORK + step)
    assert one(events, "step.failed")["failures"] == [
        "status: it is 200, expected: eq 201",
        "header x-answer: it is 'yes', expected: eq 'no'",
        "json: .label is 'dog', expected: eq 'cat'",
        "json: .score is 0.5, expected: ge 0.8",
        'the answer was: {"label":"dog","score":0.5}',
    ]


async def test_an_answer_that_does_not_come_in_time_fails(platform: FakePlatform, endpoints: Endpoints, tmp_path: Path) -> None:
    async def never(*_: object) -> tuple[int, bytes]:
        await asyncio.Event().wait()
        raise AssertionError

    endpoints.answer = never
    events = await run(platform, tmp_path, FORK + "steps: [{send: {role: text}, expect: {within: 50ms}}]")
    assert one(events, "step.failed")["failures"] == ["no answer within 50ms"]


async def test_what_cannot_be_sent_fails(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(
        platform, tmp_path, FORK + 'steps: [{send: {role: text, headers: {x: "ä"}}}, {send: {role: text, path: "/\\0"}}]'
    )
    assert [event["failures"][0].partition(":")[0] for event in events if event["type"] == "step.failed"] == [
        "not sent",
        "not sent",
    ]


async def test_a_header_may_be_expected_to_be_absent(platform: FakePlatform, tmp_path: Path) -> None:
    step = "steps: [{send: {role: text}, expect: {headers: {x-other: {absent: true}, x-answer: {matches: ^y}}, within: 60s}}]"
    assert (await run(platform, tmp_path, FORK + step))[-1]["verdict"] == "passed"


async def test_an_answer_without_end_fails(platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "LIVE_TEST_BODY_BYTES_MAX", 3)
    events = await run(platform, tmp_path, FORK + SEND)
    assert one(events, "step.failed")["failures"] == ["no answer: the answer has more than 3 bytes"]


@pytest.mark.parametrize("transport", ["sse", "ws"])
async def test_values_that_a_request_sets_off_are_not_missed(transport: str, platform: FakePlatform, tmp_path: Path) -> None:
    platform.roles["counts"] = (transport,)
    step = "  - expect_stream: {role: counts, json: {contains: ell}, within: 60s}"
    events = await run(platform, tmp_path, FORK + SEND + step, output=tmp_path / "out")
    assert events[-1]["verdict"] == "passed"


async def test_a_stream_without_the_expected_values_fails(platform: FakePlatform, tmp_path: Path) -> None:
    step = "  - expect_stream: {role: counts, json: cat, within: 50ms}"
    events = await run(platform, tmp_path, FORK + SEND + step)
    (failure,) = one(events, "step.failed")["failures"]
    assert failure.startswith("count: it is 0, expected: ge 1; ")


async def test_a_stream_that_must_be_silent_is_listened_to_until_the_end(platform: FakePlatform, tmp_path: Path) -> None:
    step = "steps: [{expect_stream: {role: counts, count: 0, within: 50ms}}]"
    assert (await run(platform, tmp_path, FORK + step))[-1]["verdict"] == "passed"


async def test_a_log_is_looked_at(platform: FakePlatform, tmp_path: Path) -> None:
    platform.logs = {"count": ["started", "Traceback (most recent call last)"]}
    step = "steps: [{expect_log: {vertex: count, matches: ^started, not_matches: Traceback}}]"
    events = await run(platform, tmp_path, FORK + step)
    assert one(events, "step.failed")["failures"] == ["a line matches 'Traceback': Traceback (most recent call last)"]


async def test_a_generated_file_is_looked_at_when_the_deployment_is_gone(platform: FakePlatform, tmp_path: Path) -> None:
    platform.generated = {("count", "report"): b"seven"}
    digest = hashlib.sha256(b"seven").hexdigest()
    step = f"steps: [{{expect_file: {{vertex: count, slot: report, sha256: {digest}, size: {{ge: 5}}}}}}]"
    events = await run(platform, tmp_path, FORK + step)
    assert (events[-1]["verdict"], platform.gone) == ("passed", True)


async def test_a_generated_file_that_is_not_there_fails(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(platform, tmp_path, FORK + "steps: [{expect_file: {vertex: count, slot: report}}]")
    (failure,) = one(events, "step.failed")["failures"]
    assert failure == "vertex count has generated no file report; generated files are none"


async def test_what_is_collected_is_written_down(platform: FakePlatform, tmp_path: Path) -> None:
    platform.generated = {("count", "report"): b"seven"}
    platform.logs = {"count": ["a", "b"]}
    more = """
  - expect_stream: {role: counts, within: 60s}
collect: [{vertex: count, slot: report}, {role: counts}, {logs: all}]
"""
    events = await run(platform, tmp_path, FORK + SEND + more, output=tmp_path / "out")
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {"counts.jsonl": '"hello"\n', "count.log": "a\nb\n", "tokenise.log": "", "count.report": "seven"}
    assert [event for event in events if event["type"] == "output.collected"][-1]["size_bytes"] == 5


# --- When it does not go well ----------------------------------------------------------------------------------------


async def test_a_deployment_that_fails_is_a_failed_test(platform: FakePlatform, tmp_path: Path) -> None:
    platform.statuses = ["deploying", "failed"]
    events = await run(platform, tmp_path, FORK + SEND)
    assert one(events, "deploy.failed")["message"] == "no luck"
    assert types(events)[-3:] == ["test.failed", "lease.closed", "result"] and events[-1]["verdict"] == "failed"


async def test_a_rejected_deployment_lists_every_reason(platform: FakePlatform, tmp_path: Path) -> None:
    details = [Detail(code="runtime_full", message="no memory", subject="count")]
    platform.refusals["deployment"] = RuntimeFullError("it does not fit", details)
    events = await run(platform, tmp_path, FORK)
    assert one(events, "deploy.rejected")["details"] == [{"code": "runtime_full", "message": "no memory", "subject": "count"}]
    assert events[-1]["verdict"] == "error" and events[-1]["error"]["code"] == "runtime_full"


async def test_whatever_fails_the_lease_is_rolled_back(platform: FakePlatform, tmp_path: Path) -> None:
    platform.refusals["fork"] = StorageError("the disk is full")
    await run(platform, tmp_path, FORK)
    assert platform.lease_state == "rolled_back"


async def test_without_a_lease_nothing_is_done(platform: FakePlatform, tmp_path: Path) -> None:
    platform.refusals["leases"] = UnreachableError("it is not up")
    events = await run(platform, tmp_path, FORK)
    assert types(events) == ["result"] and events[-1]["error"]["message"] == "it is not up"


async def test_a_role_that_nobody_publishes_is_an_error(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(platform, tmp_path, FORK + "steps: [{send: {role: voice}}]")
    assert types(events) == ["result"]
    assert events[-1]["error"] == {
        "code": "not_found",
        "message": "steps[0]: the graph publishes no endpoint as voice",
        "details": (),
        "hint": "there are counts, text",
    }


WRONG = {
    "fixture": ("fixtures: {cat: {path: cat.png}}", "fixtures.cat: there is no file"),
    "vertex of the candidate": ("candidate: {component: ./one, vertex: cuont}", "there is no vertex 'cuont'"),
    "parameter": ("parameters: {count.tpo: 3}", "vertex count has no parameter 'tpo'"),
    "value": ("parameters: {count.top: many}", "vertex count, parameter top: "),
    "slot": ("files: {count.modle: f-1}", "vertex count has no file slot 'modle'"),
    "file": ("files: {count.model: gone}", "there is no file 'gone'"),
    "vertex of a log": ("steps: [{expect_log: {vertex: cuont, matches: x}}]", "steps[0]: the graph has no vertex cuont"),
    "generated file": ("steps: [{expect_file: {vertex: count, slot: repotr}}]", "steps[0]: vertex count generates no file repotr"),
    "collected role": ("collect: [{role: cuonts}]", "collect[0]: the graph publishes no endpoint as cuonts"),
    "collected log": ("collect: [{logs: cuont}]", "collect[0]: the graph has no vertex cuont"),
    "no stream": ("collect: [{role: text}]", "the endpoint text does not stream: it has neither sse nor ws"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_not_there_is_an_error_before_anything_is_begun(
    platform: FakePlatform, tmp_path: Path, text: str, message: str
) -> None:
    platform.missing = {"gone"}
    events = await run(platform, tmp_path, FORK + text)
    assert (types(events), events[-1]["verdict"], platform.calls) == (["result"], "error", [])
    assert message in events[-1]["error"]["message"]


async def test_a_backend_and_a_runtime_that_are_not_there_are_told_together(platform: FakePlatform, tmp_path: Path) -> None:
    platform.missing = {"wordcount", "lab"}
    error = (await run(platform, tmp_path, FORK, runtime="lab"))[-1]["error"]
    assert [one["message"] for one in error["details"]] == [
        "there is no lab; there are none",
        "there is no wordcount; there are none",
    ]
    assert platform.calls == []


async def test_a_component_of_a_graph_that_is_not_there_is_an_error(platform: FakePlatform, tmp_path: Path) -> None:
    platform.missing = {"count@3"}
    events = await run(platform, tmp_path, "name: smoke\ngraph: {vertices: {a: {component: count@3}}}")
    assert (events[-1]["error"]["message"], platform.calls) == ("there is no count@3", [])


async def test_a_graph_that_could_not_be_deployed_is_an_error(platform: FakePlatform, tmp_path: Path) -> None:
    graph = "name: smoke\ngraph: {vertices: {a: {transformation: tee}, b: {transformation: tee}}, edges: [a -> b, b -> a]}"
    events = await run(platform, tmp_path, graph)
    assert (events[-1]["error"]["code"], platform.calls) == ("graph_incomplete", [])


async def test_a_fork_of_more_operations_than_there_are_is_an_error(platform: FakePlatform, tmp_path: Path) -> None:
    events = await run(platform, tmp_path, "name: smoke\nbackend: {fork: wordcount, at: 8}")
    assert (events[-1]["error"]["message"], platform.calls) == ("backend.at: wordcount has 7 operations, not 8", [])


async def test_a_fork_of_an_earlier_graph_is_not_looked_into(platform: FakePlatform, tmp_path: Path) -> None:
    assert (await run(platform, tmp_path, "name: smoke\nbackend: {fork: wordcount, at: 3}"))[-1]["verdict"] == "passed"


async def test_a_manifest_that_cannot_be_used_is_refused_before_anything_is_done(platform: FakePlatform, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"test.yml: give a backend to fork or a graph"):
        await run(platform, tmp_path, "name: smoke")
    assert platform.calls == []


async def test_whoever_stops_listening_leaves_no_lease(platform: FakePlatform, tmp_path: Path) -> None:
    path = written(tmp_path, FORK)
    async with contextlib.aclosing(run_live_test(platform, path, pack=packing(platform))) as events:
        async for event in events:
            if event["type"] == "deploy.started":
                break
    assert platform.lease_state == "rolled_back"


async def test_a_test_that_is_cancelled_leaves_no_lease(platform: FakePlatform, tmp_path: Path) -> None:
    path = written(tmp_path, FORK + "steps: [{expect_log: {vertex: count, matches: never, within: 5m}}]")
    running = asyncio.Event()

    async def listen() -> None:
        async with contextlib.aclosing(run_live_test(platform, path, pack=packing(platform))) as events:
            async for event in events:
                if event["type"] == "deploy.running":
                    running.set()

    task = asyncio.create_task(listen())
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert platform.lease_state == "rolled_back"
