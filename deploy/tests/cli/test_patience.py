"""A platform that goes and comes back while somebody watches."""

import json
from collections.abc import Iterator
from itertools import count

import cli_rows as rows
import msgspec
import pytest
from cli_fakes import Answer, FakeApi, lines, run

from pie_deploy.cli import patience
from pie_deploy.cli.client import Client
from pie_deploy.cli.patience import patiently
from pie_deploy.config.target import Target
from pie_deploy.domain.records import Event
from pie_deploy.errors import NotFoundError, UnreachableError
from pie_deploy.ports.launcher import LogLine
from pie_deploy.services.views import LeaseView


def client(urls: Iterator[str] | None = None) -> Client:
    ports = urls or (f"http://127.0.0.1:{port}" for port in count(1))
    return Client(next(ports), "key", find=lambda: Target(next(ports), "key", None))


def test_a_platform_that_goes_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [UnreachableError("it has gone"), UnreachableError("not yet")]
    slept: list[float] = []

    def ask() -> str:
        if errors:
            raise errors.pop(0)
        return "here"

    assert patiently(client(), ask, sleep=slept.append) == "here"
    assert len(slept) == 2
    assert capsys.readouterr().err.splitlines() == [
        "pie: it has gone; waiting until it is up again",
        "pie: the platform is up again",
    ]


def test_a_platform_that_answers_is_not_talked_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert patiently(client(), lambda: 1) == 1
    assert capsys.readouterr().err == ""


def test_other_errors_are_not_waited_out() -> None:
    def ask() -> None:
        raise NotFoundError("no")

    with pytest.raises(NotFoundError):
        patiently(client(), ask, UnreachableError("gone"), sleep=lambda _: None)


def test_it_is_found_at_its_new_port() -> None:
    with client() as one:
        one.find_again()
        with pytest.raises(UnreachableError, match=r":2$"):
            one.get("/v1/backends", dict)


def test_one_that_is_not_up_yet_is_looked_for_where_it_was() -> None:
    def find() -> Target:
        raise UnreachableError("not up")

    with Client("http://127.0.0.1:1", "key", find=find) as one:
        one.find_again()
        with pytest.raises(UnreachableError, match=r":1$"):
            one.get("/v1/backends", dict)


# Verbs, whose platform goes in the middle of an answer

ID = "d-aaaaaaaaaaaa"
BACK = ["; waiting until it is up again", "pie: the platform is up again"]


@pytest.fixture
def restarting(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    monkeypatch.setattr(patience, "LOOK_S", 0.0)
    api.on("GET", f"/v1/deployments/{ID}", rows.deployment())
    api.on_items(f"/v1/deployments/{ID}/containers")
    return api


def test_a_wait_goes_on_after_a_restart(restarting: FakeApi) -> None:
    path = f"/v1/deployments/{ID}/wait"
    restarting.on_restart("GET", path, lines(rows.deployment()), lines(rows.deployment(status="running")))
    ran = run("deployment", "wait", ID, "--timeout", "1h")
    assert (ran.code, ran.out) == (0, f"✓ {ID} is running\n")
    assert all(text in ran.err for text in BACK)
    [first, again] = [asked.query["timeout"] for asked in restarting.asked if asked.path == path]
    assert (first, again.startswith("35")) == ("1h", True)  # what is left of the hour, in seconds


def test_a_log_goes_on_where_it_was(restarting: FakeApi) -> None:
    path = "/v1/containers/c-1/logs"
    one, two = (LogLine(at_ns=at_ns, stream="stdout", text=text) for at_ns, text in ((5, "one"), (6, "two")))
    restarting.on("GET", "/v1/containers/c-1", rows.container(id="c-1"), rows.container(id="c-1", state="exited"))
    restarting.on_restart("GET", path, lines(one), lines(two))
    ran = run("container", "logs", "c-1", "-f", "--tail", "1")
    assert (ran.code, ran.out) == (0, "one\ntwo\n")
    asked = [asked.query for asked in restarting.asked if asked.path == path]
    assert asked == [{"follow": "true", "tail": "1"}, {"follow": "true", "since": "6"}]


def test_events_go_on_after_the_last_one(restarting: FakeApi) -> None:
    path = f"/v1/deployments/{ID}/events"
    gone = rows.deployment(gone_at_ns=1)
    restarting.on("GET", f"/v1/deployments/{ID}", rows.deployment(), rows.deployment(), gone)
    one, two = (b"data: " + msgspec.json.encode(Event(seq=seq, at_ns=rows.THEN_NS, type="x")) + b"\n\n" for seq in (7, 8))
    restarting.on_restart("GET", path, one, two)
    ran = run("deployment", "events", ID, "-f", "--json")
    assert [json.loads(line)["seq"] for line in ran.out.splitlines()] == [7, 8]
    assert [asked.query["after"] for asked in restarting.asked if asked.path == path] == ["0", "7"]
    assert ran.err == ""


def test_closing_a_lease_is_waited_for_across_a_restart(restarting: FakeApi) -> None:
    restarting.on("POST", "/v1/leases/l-1/commit", rows.lease(state="committing"))
    closed = msgspec.json.encode(LeaseView(lease=rows.lease(state="committed")))
    restarting.on_restart("GET", "/v1/leases/l-1", b"", closed)
    ran = run("lease", "commit", "l-1", "--wait")
    assert (ran.code, ran.out) == (0, "✓ l-aaaaaaaaaaaa is committed\n")


def test_a_platform_that_does_not_come_back_in_time_is_an_end(restarting: FakeApi) -> None:
    restarting.answers["GET", f"/v1/deployments/{ID}/wait"] = [Answer(b"", is_cut=True)]
    restarting.answers["GET", f"/v1/deployments/{ID}"].append(Answer(b"", is_cut=True))
    ran = run("deployment", "wait", ID, "--timeout", "50ms")
    assert ran.code == 7
    assert "and did not come back in time" in ran.err
