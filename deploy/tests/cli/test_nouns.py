"""The verbs of files, runtimes, leases, containers, types, and the listings of backends and deployments."""

import json
from pathlib import Path

import cli_rows as rows
import pytest
from cli_fakes import FakeApi, run

from pie_deploy.domain.operations import AddVertex, DeleteVertex
from pie_deploy.domain.records import Event
from pie_deploy.errors import Detail
from pie_deploy.ports.launcher import LogLine
from pie_deploy.services.views import AliasView, BackendView, EndpointView, LeaseView, TypeView, VertexView

EMPTY = {
    "backend list": ("/v1/backends", "there are no backends"),
    "component list": ("/v1/components", "there are no components; make one with: pie component init NAME"),
    "deployment list": ("/v1/deployments", "nothing is deployed"),
    "file list": ("/v1/files", "there are no files"),
    "lease list": ("/v1/leases", "there are no leases"),
    "runtime list": ("/v1/runtimes", "there are no runtimes"),
    "backend operations words": ("/v1/backends/words/operations", "there are no operations"),
    "container list --deployment words": ("/v1/deployments/words/containers", "it has no containers"),
    "container list": ("/v1/containers", "nothing is deployed"),
}


@pytest.fixture(autouse=True)
def _names(api: FakeApi) -> None:
    api.on_items("/v1/backends", rows.backend())
    api.on_items("/v1/runtimes", rows.runtime())


@pytest.mark.parametrize(("arguments", "path", "told"), [(key, *value) for key, value in EMPTY.items()], ids=list(EMPTY))
def test_an_empty_listing_says_so(api: FakeApi, arguments: str, path: str, told: str) -> None:
    api.on_items("/v1/deployments")
    api.on_items(path)
    ran = run(*arguments.split())
    assert (ran.code, ran.out, ran.err) == (0, "", f"pie: {told}\n")
    assert json.loads(run(*arguments.split(), "--json").out) == []


def test_deployments_are_listed_with_names(api: FakeApi) -> None:
    api.on_items("/v1/deployments", rows.deployment(status="running", containers_ready=2))
    out = run("deployment", "list", "--all").out
    assert out.splitlines()[1].split()[:5] == ["d-aaaaaaaaaaaa", "wordcount", "running", "2/2", "local"]
    assert {"all": "true"} in [asked.query for asked in api.asked]


def test_a_deployment_is_shown_with_its_times(api: FakeApi) -> None:
    row = rows.deployment(status="failed", status_reason="crashloop", started_at_ns=rows.THEN_NS)
    api.on("GET", "/v1/deployments/wordcount", row)
    out = run("deployment", "show", "wordcount").out
    assert "Backend:        wordcount (b-aaaaaaaaaaaa) at operation 7\n" in out
    assert "Running since:  2023-11-14T22:13:20Z\n" in out
    assert "Lease" not in out


def test_events_that_have_happened_are_listed(api: FakeApi) -> None:
    api.on("GET", "/v1/deployments/wordcount", rows.deployment())
    event = Event(seq=1, at_ns=rows.THEN_NS, type="container.exited", data={"vertex": "count", "exit_code": 1, "note": ""})
    api.on("GET", "/v1/audit", {"items": [event]}, {"items": []})
    out = run("deployment", "events", "wordcount").out
    assert out == "2023-11-14T22:13:20Z  container.exited  vertex=count exit_code=1\n"
    assert [asked.query["after"] for asked in api.asked[1:]] == ["0", "1"]
    assert api.asked[-1].query["deployment"] == "d-aaaaaaaaaaaa"


def test_a_backend_is_shown_with_its_graph_and_what_it_lacks(api: FakeApi) -> None:
    view = BackendView(
        backend=rows.backend(),
        vertices=(VertexView(name="count", component="count@1"),),
        edges=(),
        aliases=(AliasView(vertex="count", endpoint="text", role="text"),),
        problems=({"code": "x", "message": "input 0 of count is not connected"},),  # type: ignore[arg-type]
    )
    api.on("GET", "/v1/backends/wordcount", view)
    ran = run("backend", "show", "wordcount")
    assert "Deployment:  none\n" in ran.out
    assert "\ncount   count@1" in ran.out
    assert "\ntext  count.text" in ran.out
    assert ran.err == "pie: it cannot be deployed as it is:\n  - input 0 of count is not connected\n"


def test_endpoints_are_listed_with_their_urls(api: FakeApi) -> None:
    view = EndpointView(
        role="text", vertex="a", endpoint="b", direction="ingress", transports=("http",), type="String", url="http://x/f/t"
    )
    api.on_items("/v1/backends/words/endpoints", view)
    assert run("backend", "endpoints", "words").out.splitlines()[1].endswith("  http://x/f/t")


def test_a_long_log_is_read_page_by_page(api: FakeApi) -> None:
    pages = [[rows.record(seq, DeleteVertex(vertex="x")) for seq in page] for page in ((4, 5), (6, 7), ())]
    api.on("GET", "/v1/backends/words/operations", *({"items": page} for page in pages))
    out = run("backend", "operations", "words", "--after", "3", "--limit", "3", "--vertex", "x", "--json").out
    assert [record["seq"] for record in json.loads(out)] == [4, 5, 6]
    assert [asked.query["after"] for asked in api.asked] == ["3", "5"]


def test_diff_shows_operations(api: FakeApi) -> None:
    operations = [DeleteVertex(vertex="count"), AddVertex(vertex="top", component="cv-1")]
    api.on("GET", "/v1/backends/words/diff", {"items": operations, "names": {"cv-1": "top@3"}})
    problem = Detail(code="graph_incomplete", message="the cycle a -> b -> a does not go through a delay_one")
    staging = BackendView(backend=rows.backend("staging"), vertices=(), edges=(), aliases=(), problems=(problem,))
    api.on("GET", "/v1/backends/staging", staging)
    ran = run("backend", "diff", "words", "staging")
    assert (ran.code, ran.out) == (0, "delete-vertex count\nadd-vertex top: top@3\n")
    assert ran.err == f"pie: staging cannot be deployed as it is:\n  - {problem.message}\n"
    assert api.asked[-2].query == {"other": "staging"}
    assert json.loads(run("backend", "diff", "words", "staging", "--json").out)[1]["component"] == "cv-1"


def test_a_fork_says_where_it_comes_from(api: FakeApi) -> None:
    api.on("POST", "/v1/backends/words/fork", rows.backend("staging", forked_at=3))
    assert run("backend", "fork", "words", "staging", "--at", "3").out == "✓ b-aaaaaaaaaaaa: staging, from words at operation 3\n"
    assert api.asked[-1].json == {"name": "staging", "at": 3}


def test_deleting_asks_first(api: FakeApi) -> None:
    api.on("DELETE", "/v1/backends/words", None)
    assert run("backend", "delete", "words", stdin="n\n").code == 130
    assert api.asked == []
    assert run("backend", "delete", "words", "--yes", "--json").out == '{\n  "deleted": "words"\n}\n'
    assert [asked.method for asked in api.asked] == ["DELETE"]


def test_a_container_is_found_by_its_vertex(api: FakeApi) -> None:
    old, new = rows.container("count", id="c-old"), rows.container("count", id="c-new", generation=2)
    api.on_items("/v1/deployments/words/containers", new, old, rows.container("other"))
    assert run("container", "show", "words/count").out.splitlines()[0].split() == ["Id:", "c-new"]
    assert run("container", "show", "words/none").code == 4


def test_a_container_that_is_not_there_is_told_with_those_that_are(api: FakeApi) -> None:
    api.on_items("/v1/deployments/words/containers", rows.container("count"), rows.container("tokenise"))
    err = run("container", "show", "words/cuont").err
    assert err == "pie: words has no container for a vertex 'cuont'\n  did you mean count? there are count, tokenise\n"
    assert "DEPLOYMENT/VERTEX" in run("container", "show", "words").err


def test_containers_of_all_deployments_are_listed_page_by_page_and_by_backend(api: FakeApi) -> None:
    api.on_items("/v1/deployments", rows.deployment())
    pages = [[rows.container("tokenise")], [rows.container("count")], []]
    api.on("GET", "/v1/containers", *({"items": page} for page in pages))
    out = run("container", "list").out.splitlines()
    assert [line.split()[:3] for line in out[1:]] == [["c-count", "wordcount", "count"], ["c-tokenise", "wordcount", "tokenise"]]
    assert [asked.query.get("after") for asked in api.asked if asked.path == "/v1/containers"] == [None, "c-tokenise", "c-count"]


def test_logs_are_printed_line_by_line(api: FakeApi) -> None:
    api.on("GET", "/v1/containers/c-1", rows.container(id="c-1", state="exited"))
    line = LogLine(at_ns=rows.THEN_NS, stream="stdout", text="a\tb\x1b[31m")
    api.on_lines("GET", "/v1/containers/c-1/logs", line)
    assert run("container", "logs", "c-1", "--tail", "5").out == "a\tb [31m\n"
    assert api.asked[-1].query == {"tail": "5"}
    assert run("container", "logs", "c-1", "-f", "-t").out == "2023-11-14T22:13:20Z  a\tb [31m\n"
    assert api.asked[-2].query == {"follow": "true"}
    assert json.loads(run("container", "logs", "c-1", "--json").out)["text"] == "a\tb\x1b[31m"


@pytest.mark.parametrize("verb", ["lock", "unlock", "drain", "undrain"])
def test_a_runtime_is_changed_by_a_verb(api: FakeApi, verb: str) -> None:
    api.on("POST", f"/v1/runtimes/local/{verb}", rows.runtime())
    assert run("runtime", verb, "local").out.startswith("✓ local ")


def test_a_runtime_is_made_of_what_was_said(api: FakeApi) -> None:
    api.on("POST", "/v1/runtimes", rows.runtime())
    run("runtime", "create", "small", "--cpu", "1.5", "--memory", "2GiB", "--label", "cpu", "--label", "fast", "--ceiling", "24h")
    assert api.asked[-1].json == {
        "name": "small",
        "launcher": "process",
        "labels": ["cpu", "fast"],
        "nodes": [{"cpu": 1.5, "memory_bytes": 2 << 30, "gpu": 0}],
        "ceiling": "24h",
    }


def test_a_lease_is_opened_and_closed(api: FakeApi) -> None:
    api.on("POST", "/v1/leases", rows.lease())
    api.on("POST", "/v1/leases/l-1/rollback", rows.lease(state="rolling_back"))
    assert run("lease", "create", "--ttl", "30m", "--label", "x").out == "✓ l-aaaaaaaaaaaa: open for 15m\n"
    assert api.asked[-1].json == {"ttl": "30m", "label": "x"}
    assert run("lease", "rollback", "l-1").out == "✓ l-aaaaaaaaaaaa is rolling back\n"


@pytest.mark.parametrize(
    ("verb", "closing", "closed"), [("commit", "committing", "committed"), ("rollback", "rolling_back", "rolled_back")]
)
def test_closing_a_lease_is_waited_for(api: FakeApi, verb: str, closing: str, closed: str) -> None:
    api.on("POST", f"/v1/leases/l-1/{verb}", rows.lease(state=closing))
    api.on("GET", "/v1/leases/l-1", *(LeaseView(lease=rows.lease(state=state)) for state in (closing, closed)))
    ran = run("lease", verb, "l-1", "--wait")
    assert ran.out == f"✓ l-aaaaaaaaaaaa is {closed.replace('_', ' ')}\n"
    late = run("lease", verb, "l-1", "--wait", "--timeout", "0s", "--json")
    assert (late.code, late.err) == (0, "")


def test_closing_a_lease_that_takes_too_long_exits_with_7(api: FakeApi) -> None:
    api.on("POST", "/v1/leases/l-1/commit", rows.lease(state="committing"))
    api.on("GET", "/v1/leases/l-1", LeaseView(lease=rows.lease(state="committing")))
    ran = run("lease", "commit", "l-1", "--wait", "--timeout", "1ms", "--json")
    assert (ran.code, ran.out) == (7, "")
    assert json.loads(ran.err)["error"] == {
        "code": "timeout",
        "message": "l-aaaaaaaaaaaa is still committing after 1ms",
        "details": [],
    }


def test_draining_is_waited_for_until_nothing_is_left(api: FakeApi) -> None:
    api.on("POST", "/v1/runtimes/local/drain", rows.runtime())
    other = rows.deployment(id="d-2", runtime_id="r-other")
    api.on("GET", "/v1/deployments", {"items": [rows.deployment(), other]}, {"items": [other]})
    ran = run("runtime", "drain", "local", "--wait")
    assert (ran.out, ran.err) == ("✓ local is empty\n", "pie: local is being emptied\n")


def test_a_lease_is_shown_with_all_that_its_containers_said(api: FakeApi) -> None:
    failed = rows.deployment(status="failed", status_message="count crashed")
    api.on("GET", "/v1/leases/l-1", LeaseView(lease=rows.lease(label="try it"), deployments=(failed,)))
    api.on_items("/v1/deployments/d-aaaaaaaaaaaa/containers", rows.container("count", state="exited"))
    api.on_lines("GET", "/v1/containers/c-count/logs", LogLine(at_ns=rows.THEN_NS, stream="stderr", text="no"))
    assert json.loads(run("lease", "debug", "l-1", "--json").out)["logs"]["c-count"][0]["text"] == "no"
    out = run("lease", "debug", "l-1", "--tail", "3").out
    assert "Label:           try it\n" in out
    assert "\nd-aaaaaaaaaaaa is failed: count crashed\n" in out
    assert out.endswith("\ncount | 2023-11-14T22:13:20Z  no\n")
    assert api.asked[-1].query == {"tail": "3"}


def test_a_lease_gets_a_result(api: FakeApi) -> None:
    api.on("POST", "/v1/leases/l-1/result", rows.lease())
    assert run("lease", "set-result", "l-1", '{"verdict": "passed"}').code == 0
    assert api.asked[-1].json == {"verdict": "passed"}
    assert run("lease", "set-result", "l-1", "passed").code == 2
    assert run("lease", "set-result", "l-1", "[1]").code == 2


def test_things_are_promoted_out_of_a_lease(api: FakeApi) -> None:
    api.on("POST", "/v1/leases/l-1/promote", LeaseView(lease=rows.lease()))
    assert run("lease", "promote", "l-1", "a@1", "b", "--with-deps").out == "✓ a@1, b will stay\n"
    assert api.asked[-1].json == {"resources": ["a@1", "b"], "with_deps": True}


def test_waiting_for_a_lease_keeps_it_alive(api: FakeApi) -> None:
    api.on("POST", "/v1/leases/l-1/heartbeat", rows.lease())
    deploying, running = rows.deployment(), rows.deployment(status="running")
    api.on("GET", "/v1/leases/l-1", *(LeaseView(lease=rows.lease(), deployments=(row,)) for row in (deploying, running)))
    assert run("lease", "wait", "l-1").out == "✓ d-aaaaaaaaaaaa is running\n"
    assert [asked.method for asked in api.asked] == ["POST", "GET", "GET"]


def test_waiting_for_a_lease_ends(api: FakeApi) -> None:
    api.on("POST", "/v1/leases/l-1/heartbeat", rows.lease())
    api.on("GET", "/v1/leases/l-1", LeaseView(lease=rows.lease()))
    ran = run("lease", "wait", "l-1", "--timeout", "1ms")
    assert (ran.code, ran.err) == (7, "pie: nothing runs in l-1, it has no deployment, after 1ms\n")


def test_a_file_is_uploaded_under_its_name(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "stop words.txt").write_bytes(b"the\n")
    api.on("POST", "/v1/files", rows.file())
    ran = run("file", "upload", tmp_path / "stop words.txt", "--type", "text")
    assert ran.out == "✓ f-aaaaaaaaaaaa: stopwords.txt, 2.0 KiB\n"
    assert (api.asked[-1].body, api.asked[-1].query) == (b"the\n", {"name": "stop words.txt", "type": "text"})


def test_a_file_is_linked_to_a_lease(api: FakeApi) -> None:
    api.on("POST", "/v1/files/x/link", rows.file(lease_id="l-1"))
    assert run("file", "link", "x", "--lease", "l-1").out == "✓ f-aaaaaaaaaaaa: stopwords.txt belongs to l-1\n"
    assert api.asked[-1].json == {"lease": "l-1"}


def test_a_file_is_downloaded_whole_or_not_at_all(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    api.on("GET", "/v1/files/x", rows.file(name="../../evil"))
    assert run("file", "download", "x").code == 4
    assert list(tmp_path.glob("*evil*")) == []
    api.on("GET", "/v1/files/f-aaaaaaaaaaaa/content", 5)
    assert run("file", "download", "x").code == 0
    assert (tmp_path / "evil").read_bytes() == b"5"
    assert run("file", "download", "x").code == 3
    assert run("file", "download", "x", "-o", "-").out == "5"
    (tmp_path / "there").mkdir()
    assert run("file", "download", "x", "-o", "there").code == 0
    assert (tmp_path / "there" / "evil").read_bytes() == b"5"


def test_a_type_is_shown(api: FakeApi) -> None:
    api.on("GET", "/v1/types/Maybe", TypeView(name="Maybe", parameters=("t",), definition="Nothing | Just<t>"))
    assert run("type", "show", "Maybe").out == "Name:        Maybe<t>\nDefinition:  Nothing | Just<t>\n"


def test_status_tells_what_is_wrong_with_what_runs(api: FakeApi) -> None:
    api.on_items("/v1/deployments", rows.deployment(status="running", containers_ready=1))
    assert run("status").err == "pie: wordcount (d-aaaaaaaaaaaa) has containers that are not ready: 1 of 2 are\n"


def test_status_is_one_page(api: FakeApi) -> None:
    api.on_items("/v1/deployments", rows.deployment(status="failed", status_message="count crashed 6 times"))
    ran = run("status")
    assert ran.code == 0
    assert "Gateway:   http://127.0.0.1:1\n" in ran.out
    assert ran.err == "pie: wordcount (d-aaaaaaaaaaaa) has failed: count crashed 6 times\n"
    assert set(json.loads(run("status", "--json").out)) == {"api_url", "address", "runtimes", "deployments", "backends"}
