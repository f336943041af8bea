"""`--wait`: progress, outcome, exit status, reason."""

import json

import cli_rows as rows
import pytest
from cli_fakes import FakeApi, run
from msgspec.structs import replace

from pie_deploy.cli.waiting import culprit, reached, told
from pie_deploy.ports.launcher import LogLine

ID = "d-aaaaaaaaaaaa"
WAIT = f"/v1/deployments/{ID}/wait"
CONTAINERS = f"/v1/deployments/{ID}/containers"


@pytest.fixture(autouse=True)
def _answers(api: FakeApi) -> None:
    api.on("POST", "/v1/backends/words/deployment", rows.deployment())
    api.on("GET", f"/v1/deployments/{ID}", rows.deployment())
    api.on_items(CONTAINERS, rows.container("count", state="ready"), rows.container("tokenise", state="ready"))


def test_without_waiting_the_row_is_all(api: FakeApi) -> None:
    ran = run("backend", "deploy", "words")
    assert (ran.code, ran.out, ran.err) == (0, f"✓ {ID} accepted\n", "")
    assert api.asked[-1].json == {"debug": False}


def test_what_was_asked_for_is_sent(api: FakeApi) -> None:
    options = "--runtime gpu --debug --fixed-duration 90m --startup-timeout 10s --lease l-1"
    run("backend", "deploy", "words", *options.split())
    assert api.asked[-1].json == {
        "runtime": "gpu",
        "debug": True,
        "fixed_duration": "90m",
        "startup_timeout": "10s",
        "lease": "l-1",
    }


@pytest.mark.parametrize("verb", ["deploy", "redeploy", "undeploy"])
def test_nothing_begins_when_the_time_to_wait_is_none(api: FakeApi, verb: str) -> None:
    ran = run("backend", verb, "words", "--wait", "--timeout", "5x")
    assert (ran.code, api.asked) == (2, [])
    assert ran.err.startswith("pie: '5x' is not a duration")


def test_waiting_tells_how_far_each_container_is(api: FakeApi) -> None:
    api.on_lines("GET", WAIT, rows.deployment(), rows.deployment(containers_ready=1), rows.deployment(status="running"))
    api.answers["GET", CONTAINERS] = []
    steps = [("starting", "pending"), ("ready", "starting"), ("ready", "ready")]
    api.on(
        "GET",
        CONTAINERS,
        *({"items": [rows.container("count", state=one), rows.container("tokenise", state=two)]} for one, two in steps),
    )
    ran = run("backend", "deploy", "words", "--wait", "--timeout", "30s")
    assert (ran.code, ran.out) == (0, f"✓ {ID} is running\n")
    assert ran.err.splitlines() == [
        f"pie: {ID} accepted",
        "pie: count: starting",
        "pie: tokenise: pending",
        "pie: count: ready",
        "pie: tokenise: starting",
        "pie: tokenise: ready",
    ]
    assert {"status": "running", "timeout": "30s"} in [asked.query for asked in api.asked]


def test_of_a_large_graph_only_the_number_is_told(api: FakeApi) -> None:
    large = rows.deployment(containers=1000)
    api.on_lines("GET", WAIT, large, *(replace(large, containers_ready=ready) for ready in (10, 10, 1000)))
    err = run("deployment", "wait", ID, "--timeout", "1s").err.splitlines()
    assert err[:3] == ["pie: 0 of 1000 ready", "pie: 10 of 1000 ready", "pie: 1000 of 1000 ready"]
    assert CONTAINERS not in [asked.path for asked in api.asked]


def test_a_failure_comes_with_its_reason_and_the_last_words(api: FakeApi) -> None:
    failed = rows.deployment(status="failed", status_reason="crashloop", status_message="count crashed 6 times")
    api.on_lines("GET", WAIT, rows.deployment(), failed)
    crashed = rows.container("count", state="exited", restarts=5, exit_code=1, last_error="ValueError: no")
    api.on_items(CONTAINERS, crashed, rows.container("tokenise"))
    lines = [LogLine(at_ns=1, stream="stderr", text="Traceback\x1b[2J"), LogLine(at_ns=2, stream="platform", text="ended")]
    api.on_lines("GET", "/v1/containers/c-count/logs", *lines)
    ran = run("backend", "deploy", "words", "--wait")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-5:-1] == [
        f"pie: {ID} is failed (crashloop): count crashed 6 times",
        "  - count (c-count) exited with exit code 1, restart 5: ValueError: no",
        "    count | Traceback [2J",
        "    count | [platform] ended",
    ]
    assert ran.err.splitlines()[-1].startswith("  correct it, then: pie backend redeploy --deployment d-")
    assert api.asked[-1].query == {"tail": "20"}


def test_a_failure_is_a_failure_also_when_nothing_more_can_be_told(api: FakeApi) -> None:
    api.on_lines("GET", WAIT, rows.deployment(status="failed", status_reason="expired"))
    api.on_items(CONTAINERS, rows.container("count", last_error="gone"))
    ran = run("deployment", "wait", ID)
    assert ran.code == 1
    assert "  - count (c-count) ready: gone" in ran.err
    api.refuse("GET", "/v1/containers/c-count/logs", 503, "launcher", "no")
    assert "  - more about it cannot be had: no\n" in run("deployment", "wait", ID).err


def test_programs_get_the_failure_as_one_object(api: FakeApi) -> None:
    api.on_lines("GET", WAIT, rows.deployment(status="failed", status_reason="crashloop", status_message="count crashed"))
    api.on_items(CONTAINERS, rows.container("count", state="exited", exit_code=1, last_error="ValueError: no"))
    api.on_lines("GET", "/v1/containers/c-count/logs", LogLine(at_ns=1, stream="stderr", text="Traceback"))
    ran = run("backend", "deploy", "words", "--wait", "--json")
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["code"], error["message"]) == (1, "deployment_failed", f"{ID} is failed (crashloop): count crashed")
    assert [one["code"] for one in error["details"]] == ["container", "log"]


def test_time_that_is_over_has_an_exit_status_of_its_own(api: FakeApi) -> None:
    api.on_lines("GET", WAIT, rows.deployment(containers_ready=1))
    ran = run("deployment", "wait", ID, "--timeout", "1s")
    assert ran.code == 7
    assert ran.err.endswith(f"pie: {ID} is still deploying after 1s: 1 of 2 ready\n")


def test_programs_get_a_line_for_each_change(api: FakeApi) -> None:
    api.on_lines("GET", WAIT, rows.deployment(), rows.deployment(status="running"))
    ran = run("backend", "deploy", "words", "--wait", "--json")
    assert [line.count(f'"id":"{ID}"') for line in ran.out.splitlines()] == [1, 1]
    assert ran.err == ""


def test_a_redeploy_is_waited_for_until_the_new_ones_serve(api: FakeApi) -> None:
    api.on("POST", "/v1/deployments/words/redeploy", rows.deployment(status="running", redeploying=True, generation=2))
    api.on_lines("GET", WAIT, rows.deployment(status="running", redeploying=True), rows.deployment(status="running"))
    assert run("backend", "redeploy", "words", "--wait", "--no-debug").code == 0
    assert [asked.json for asked in api.asked if asked.method == "POST"] == [{"debug": False}]


def test_of_a_redeploy_only_the_new_ones_are_told(api: FakeApi) -> None:
    api.on("POST", "/v1/deployments/words/redeploy", rows.deployment(status="running", redeploying=True, generation=2))
    api.on_lines("GET", WAIT, rows.deployment(status="running", generation=2))
    api.on_items(CONTAINERS, rows.container("old"), rows.container("new", generation=2))
    err = run("backend", "redeploy", "words", "--wait").err
    assert "new: ready" in err
    assert "old" not in err


def test_a_redeploy_that_ends_in_the_middle_has_not_succeeded(api: FakeApi) -> None:
    api.on("POST", "/v1/deployments/words/redeploy", rows.deployment(status="running", redeploying=True, generation=2))
    api.on_lines("GET", WAIT, rows.deployment(status="running", redeploying=True))
    assert run("backend", "redeploy", "words", "--wait").code == 7


def test_undeploy_waits_until_it_is_gone(api: FakeApi) -> None:
    api.on("DELETE", f"/v1/deployments/{ID}", rows.deployment(status="tearing_down"))
    api.on_lines("GET", WAIT, rows.deployment(status="tearing_down", gone_at_ns=5))
    ran = run("backend", "undeploy", "--deployment", ID, "--wait")
    assert (ran.code, ran.out) == (0, f"✓ {ID} is gone\n")
    assert {"status": "gone", "timeout": "5m"} in [asked.query for asked in api.asked]


@pytest.mark.parametrize("verb", ["undeploy", "redeploy"])
def test_one_says_either_the_backend_or_the_deployment(api: FakeApi, verb: str) -> None:
    for arguments in ([], ["words", "--deployment", ID]):
        ran = run("backend", verb, *arguments)
        assert (ran.code, ran.err) == (2, "pie: say which: a backend, or --deployment ID\n")


def test_a_refused_deployment_lists_every_reason(api: FakeApi) -> None:
    reasons = [{"code": "x", "message": "input 0 is not connected", "subject": vertex} for vertex in ("a", "b")]
    api.refuse("POST", "/v1/backends/words/deployment", 422, "graph_incomplete", "the graph is incomplete", *reasons)
    ran = run("backend", "deploy", "words", "--wait")
    assert ran.code == 3
    assert ran.err.splitlines() == [
        "pie: the graph is incomplete",
        "  - a: input 0 is not connected",
        "  - b: input 0 is not connected",
    ]


def test_what_counts_as_reached() -> None:
    assert reached(rows.deployment(status="running"), "running")
    assert not reached(rows.deployment(status="running", redeploying=True), "running")
    assert not reached(rows.deployment(status="running", gone_at_ns=1), "running")
    assert reached(rows.deployment(status="failed"), "failed")
    assert reached(rows.deployment(status="tearing_down", gone_at_ns=1), "gone")


def test_the_culprit_is_the_one_with_an_error_in_the_newest_generation() -> None:
    old = rows.container("old", last_error="long ago")
    crashed = rows.container("crashed", generation=2, restarts=3, state="backoff")
    refused = rows.container("refused", generation=2, last_error="no such file", state="exited")
    assert culprit([old, crashed, refused]) is refused
    assert culprit([old, crashed]) is crashed
    assert culprit([rows.container("fine")]) is None
    assert culprit([]) is None


def test_a_container_is_described_in_words() -> None:
    assert told(rows.container(state="standby")) == "standby"
    assert told(rows.container(state="backoff", exit_code=-9, restarts=2)) == "backoff after signal 9, restart 2"
