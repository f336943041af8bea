"""The manifest of a live test."""

import re

import msgspec
import pytest

from pie_deploy.domain import live_test
from pie_deploy.domain.live_test import operations, parse_live_test, streamed_roles
from pie_deploy.domain.operations import AddFile, ChangeParameter, ChangeVersion
from pie_deploy.errors import ManifestError
from pie_deploy.limits import LIVE_TEST_BYTES_MAX

EXAMPLE = re.search(r"version: 1.*?(?=\n\n)", live_test.__doc__ or "", re.DOTALL)
BASE = "name: smoke\nbackend: {fork: prod}\n"


def example() -> live_test.LiveTest:
    assert EXAMPLE is not None
    return parse_live_test(EXAMPLE[0].replace("sha256: …", f"sha256: {'0' * 64}"))


def test_the_documented_example_is_one() -> None:
    test = example()
    assert (test.name, [step.kind for step in test.steps]) == ("bid-smoke", ["send", "expect_stream", "expect_log", "expect_file"])


def test_it_listens_to_what_is_expected_or_collected() -> None:
    assert streamed_roles(example()) == ["detections"]


def test_it_changes_version_parameters_and_files() -> None:
    assert operations(example(), "cv-1", {"cat": "f-1"}) == [
        ChangeVersion(vertex="scorer", component="cv-1"),
        ChangeParameter(vertex="scorer", name="threshold", value="0.5"),
        AddFile(vertex="scorer", slot="model", file="f-1"),
    ]


def test_numbers_and_truth_values_are_literals_as_they_stand() -> None:
    test = parse_live_test(BASE + "parameters: {a.x: 3, a.y: true, a.z: 0.5}")
    values = [one.value for one in operations(test, None, {}) if isinstance(one, ChangeParameter)]
    assert values == ["3", "true", "0.5"]


def test_an_answer_is_expected_to_be_no_error() -> None:
    assert live_test.Answer().status == {"lt": 400}


def test_a_manifest_survives_json() -> None:
    test = example()
    assert msgspec.json.decode(msgspec.json.encode(test), type=live_test.LiveTest) == test


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: smoke", "test.yml: give a backend to fork or a graph, one of the two"),
        (BASE + "graph: {}", "test.yml: give a backend to fork or a graph, one of the two"),
        ("name: Smoke\nbackend: {fork: p}", "test.yml: name: "),
        (BASE + "version: 2", "test.yml: version: "),
        (BASE + "step: []", "test.yml: object contains unknown field step"),
        (BASE + "steps: [{}]", "test.yml: steps[0]: give one of send, expect_stream, expect_log, expect_file"),
        (BASE + "steps: [{send: {role: a}, expect_log: {vertex: v, matches: x}}]", "test.yml: steps[0]: give one of"),
        (BASE + "steps: [{expect: {}, expect_stream: {role: a}}]", "test.yml: steps[0]: expect belongs to send"),
        (BASE + "steps: [{send: {role: a, body: '@cat'}}]", "test.yml: steps[0].send.body: there is no fixture 'cat'"),
        (BASE + "steps: [{send: {role: a, body: x, json: 1}}]", "test.yml: steps[0].send: give body or json, one of the two"),
        (BASE + "steps: [{send: {role: a, path: x}}]", "test.yml: steps[0].send.path: starts with /"),
        (BASE + "steps: [{send: {role: a, method: BREW}}]", "test.yml: steps[0].send.method: "),
        (BASE + "steps: [{send: {role: a}, expect: {within: soon}}]", "test.yml: "),
        (BASE + "steps: [{send: {role: a}, expect: {json: {x: {matches: '('}}}}]", "test.yml: steps[0].expect.json.x.matches: "),
        (BASE + "steps: [{expect_stream: {role: a, count: {ge: []}}}]", "test.yml: steps[0].expect_stream.count.ge: "),
        (BASE + "steps: [{expect_log: {vertex: v}}]", "test.yml: steps[0].expect_log: give matches or not_matches"),
        (BASE + "steps: [{expect_log: {vertex: v, matches: '('}}]", "test.yml: steps[0].expect_log.matches.matches: "),
        (BASE + "steps: [{expect_file: {vertex: v, slot: s, sha256: abc}}]", "test.yml: steps[0].expect_file.sha256: 64 hex"),
        (BASE + "steps: [{expect_file: {vertex: v, slot: ../s}}]", "test.yml: steps[0].expect_file.slot: "),
        (BASE + "steps: [{expect_file: {vertex: v, slot: s}}, {send: {role: a}}]", "test.yml: steps[1]: send stands before every"),
        (BASE + "parameters: {threshold: 1}", "test.yml: 'threshold' is not like `vertex.name`"),
        (BASE + "files: {v.model: '@cat'}", "test.yml: files.v.model: there is no fixture 'cat'"),
        (BASE + "collect: [{}]", "test.yml: collect[0]: give a role, a vertex and its slot, or logs"),
        (BASE + "collect: [{role: a, logs: all}]", "test.yml: collect[0]: give a role, a vertex and its slot, or logs"),
        (BASE + "collect: [{vertex: v}]", "test.yml: collect[0]: a generated file has a vertex and a slot"),
        (BASE + "deploy: {timeout: soon}", "test.yml: "),
        ("graph: {vertices: {a: {}}}\nname: smoke", "test.yml: vertices.a: give a component or a transformation"),
        ("[" * 10_000, "test.yml"),
        ("a" * (LIVE_TEST_BYTES_MAX + 1), "test.yml"),
    ],
    ids=lambda text: text[:60],
)
def test_a_manifest_that_cannot_be_used_is_refused(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_live_test(text)
    assert str(caught.value).startswith(message)
