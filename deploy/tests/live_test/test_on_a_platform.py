"""Live tests on a real platform with real containers."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from msgspec.structs import replace

from pie_deploy.app.platform import Platform
from pie_deploy.cli.client import Client
from pie_deploy.cli.live_test import packed
from pie_deploy.config import Config, Home
from pie_deploy.domain.document import parse_document
from pie_deploy.domain.records import ComponentVersion
from pie_deploy.live_test import Event, run_live_test
from pie_deploy.services.views import AppliedDocument, MadeKey

pytestmark = pytest.mark.slow

COMPONENT = """
name: measure
worker:
  input_types: [String]
  output_types: [Int64]
  config_schema: {factor: {type: Int64, default: 1}}
  generated_file_schema: {last: {type: text}}
http:
  text: {direction: ingress, into: 0, respond: sizes}
  sizes: {direction: egress, transports: [sse], of: 0}
"""
PROGRAM = """
from pie_component import config, generated, log, run

def measure(text):
    log.info("measuring")
    generated("last").write_text(text)
    return len(text) * config.factor

run(measure)
"""
GRAPH = """
name: smoke
graph:
  vertices: {measure: {component: ./measure}}
  aliases: {measure.text: text, measure.sizes: sizes}
parameters: {measure.factor: 2}
"""
STEPS = """
steps:
  - send: {role: text, json: hello}
    expect: {json: 10}
  - expect_stream: {role: sizes, json: 10, within: 60s}
  - expect_log: {vertex: measure, matches: measuring, not_matches: Traceback, within: 60s}
  - expect_file: {vertex: measure, slot: last, size: 5}
collect: [{vertex: measure, slot: last}, {role: sizes}]
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, because sockets lie in it."""
    made = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def platform(folder: Path) -> AsyncIterator[Platform]:
    config = Config()
    config = replace(config, api=replace(config.api, port=0), gateway=replace(config.gateway, port=0))
    async with Platform(Home(folder / "home"), config) as platform:
        yield platform


async def run(platform: Platform, folder: Path, manifest: str, program: str = PROGRAM, key: str = "") -> list[Event]:
    source = folder / "measure" / "src"
    source.mkdir(parents=True)
    (source.parent / "component.yml").write_text(COMPONENT)
    (source / "main.py").write_text(program)
    (folder / "test.yml").write_text(dedent(manifest))
    with Client(platform.api_url, key or platform.credential) as client:
        events = run_live_test(client, folder / "test.yml", pack=packed, output=folder / "out")
        return [event async for event in events]


PROD = """
name: prod
vertices: {measure: {component: measure, parameters: {factor: 3}}}
aliases: {measure.text: text, measure.sizes: sizes}
"""
CANDIDATE = """
name: smoke
backend: {fork: prod}
candidate: {component: ./measure, vertex: measure}
steps: [{send: {role: text, json: hello}, expect: {json: -15}}]
"""


def make_prod(platform: Platform, folder: Path) -> None:
    """A backend of the workspace with the released component."""
    source = folder / "released" / "src"
    source.mkdir(parents=True)
    (source.parent / "component.yml").write_text(COMPONENT)
    (source / "main.py").write_text(PROGRAM)
    with Client(platform.api_url, platform.credential) as client:
        version = client.upload("/v1/components", ComponentVersion, packed(folder / "released").archive)
        client.post(f"/v1/components/{version.id}/promote", ComponentVersion)
        client.post("/v1/backends/prod/apply", AppliedDocument, {"document": parse_document(PROD)})


def left_over(platform: Platform) -> dict[str, list[object]]:
    with Client(platform.api_url, platform.credential) as client:
        nouns = ("backends", "components", "files", "deployments", "leases")
        return {noun: rows for noun in nouns if (rows := client.items(f"/v1/{noun}", object))}


async def test_a_candidate_is_published_deployed_proven_and_discarded(platform: Platform, folder: Path) -> None:
    events = await run(platform, folder, GRAPH + STEPS)
    assert [event["failures"] for event in events if event["type"] == "step.failed"] == []
    assert events[-1]["verdict"] == "passed", events[-1]
    assert (folder / "out" / "measure.last").read_text() == "hello"
    assert (folder / "out" / "sizes.jsonl").read_text() == "10\n"
    assert await asyncio.to_thread(left_over, platform) == {}


async def test_a_candidate_is_proven_in_a_fork_and_the_original_stays_as_it_is(platform: Platform, folder: Path) -> None:
    await asyncio.to_thread(make_prod, platform, folder)
    before = await asyncio.to_thread(left_over, platform)
    events = await run(platform, folder, CANDIDATE, program=PROGRAM.replace("return len", "return -len"))
    assert events[-1]["verdict"] == "passed", events[-1]
    assert await asyncio.to_thread(left_over, platform) == before


def agent_key(platform: Platform) -> str:
    with Client(platform.api_url, platform.credential) as client:
        return client.post("/v1/keys", MadeKey, {"role": "agent", "expires": "1h"}).secret


async def test_an_agent_s_key_is_enough_and_what_it_proved_is_gone(platform: Platform, folder: Path) -> None:
    await asyncio.to_thread(make_prod, platform, folder)
    before = await asyncio.to_thread(left_over, platform)
    key = await asyncio.to_thread(agent_key, platform)
    manifest = """
    name: smoke
    backend: {fork: prod}
    candidate: {component: ./measure, vertex: measure}
    steps:
      - send: {role: text, json: hello}
        expect: {json: -15}
      - expect_log: {vertex: measure, matches: measuring, within: 60s}
      - expect_file: {vertex: measure, slot: last, size: 5}
    collect: [{vertex: measure, slot: last}]
    """
    events = await run(platform, folder, manifest, program=PROGRAM.replace("return len", "return -len"), key=key)
    assert events[-1]["verdict"] == "passed", events[-1]
    assert (folder / "out" / "measure.last").read_text() == "hello"
    assert await asyncio.to_thread(left_over, platform) == before


async def test_a_candidate_that_does_not_start_fails(platform: Platform, folder: Path) -> None:
    events = await run(platform, folder, GRAPH + "deploy: {timeout: 2s}", program="raise SystemExit(3)")
    failed = [event for event in events if event["type"] == "deploy.failed"]
    assert failed and events[-1]["verdict"] == "failed"
    assert events[-2] == {**events[-2], "type": "lease.closed", "state": "rolled_back"}


async def test_a_graph_whose_types_do_not_fit_is_an_error(platform: Platform, folder: Path) -> None:
    manifest = """
    name: smoke
    graph:
      vertices: {one: {component: ./measure}, two: {component: ./measure}}
      edges: [one -> two]
    """
    events = await run(platform, folder, manifest)
    assert (events[-1]["verdict"], events[-1]["error"]["code"]) == ("error", "type_mismatch")
    assert "edge one.out0 -> two.in0: type mismatch: upstream Int64, downstream String" in events[-1]["error"]["message"]
