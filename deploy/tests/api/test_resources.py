"""Every resource, once through."""

import asyncio

import httpx
import pytest
from api_serving import ApiServing, code
from msgspec.structs import replace
from service_platform import SHOUT

from pie_deploy.ports.launcher import LogLine
from pie_flow.control import EdgeCounters, Pulse

ADD = {"op": "add-vertex", "vertex": "v", "component": "shout"}
ALIAS = {"op": "change-endpoint-alias", "vertex": "v", "endpoint": "text", "role": "in"}


async def published(api: ApiServing) -> dict[str, str]:
    answer = await api.client.post("/v1/components", content=SHOUT)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def backend(api: ApiServing, name: str = "words") -> None:
    await published(api)
    assert (await api.client.post("/v1/backends", json={"name": name})).status_code == 201
    answer = await api.client.post(f"/v1/backends/{name}/operations", json={"operations": [ADD, ALIAS]})
    assert answer.status_code == 201, answer.text


async def deployed(api: ApiServing) -> str:
    await backend(api)
    api.platform.runtime()
    answer = await api.client.post("/v1/backends/words/deployment", json={})
    assert answer.status_code == 202, answer.text
    deployment_id: str = answer.json()["id"]
    return deployment_id


def set_status(api: ApiServing, deployment_id: str, status: str) -> None:
    with api.platform.store.transaction() as rows:
        row = rows.find_deployment(deployment_id)
        assert row is not None
        rows.put_deployment(replace(row, status=status))
    api.platform.services.wakeup.notify()


async def test_a_component_is_published_shown_promoted_and_fetched(api: ApiServing) -> None:
    version = await published(api)
    assert (await api.get("/v1/components/shout@1"))["id"] == version["id"]
    assert (await api.client.get("/v1/components/shout", headers={"authorization": "Bearer bob-key"})).status_code == 404
    promoted = await api.client.post("/v1/components/shout/promote")
    assert (promoted.status_code, promoted.json()["state"]) == (200, "released")
    assert len((await api.get("/v1/components?name=shout"))["items"]) == 1
    archive = await api.client.get("/v1/components/shout/archive")
    assert (archive.content, archive.headers["content-type"]) == (SHOUT, "application/gzip")


async def test_an_archive_that_is_none_is_refused(api: ApiServing) -> None:
    assert code(await api.client.post("/v1/components", content=b"no archive"))[0] == 422


async def test_a_backend_is_changed_by_operations_and_shows_its_graph(api: ApiServing) -> None:
    await backend(api)
    view = await api.get("/v1/backends/words")
    assert [vertex["name"] for vertex in view["vertices"]] == ["v"]
    assert len((await api.get("/v1/backends/words/operations?after=1"))["items"]) == 1
    assert len((await api.get("/v1/backends/words/operations?limit=1"))["items"]) == 1
    (endpoint,) = (await api.get("/v1/backends/words/endpoints"))["items"]
    assert endpoint["role"] == "in" and "/f/" in endpoint["url"]


async def test_if_match_refuses_what_was_meant_for_another_head(api: ApiServing) -> None:
    await backend(api)
    body = {"operations": [{"op": "describe", "description": "d"}]}
    refused = await api.client.post("/v1/backends/words/operations", json=body, headers={"if-match": "1"})
    assert code(refused) == (409, "conflict")
    etag = (await api.client.get("/v1/backends/words")).headers["etag"]
    taken = await api.client.post("/v1/backends/words/operations", json=body, headers={"if-match": etag})
    assert taken.status_code == 201


async def test_if_match_that_is_no_seq_is_400(api: ApiServing) -> None:
    await backend(api)
    body = {"operations": [{"op": "describe", "description": "d"}]}
    for value in ("abc", "-1", "1.5", "9" * 30):
        answer = await api.client.post("/v1/backends/words/operations", json=body, headers={"if-match": value})
        assert code(answer) == (400, "invalid_argument")


async def test_undo_fork_compact_diff_export_apply_and_delete(api: ApiServing) -> None:
    await backend(api)
    assert (await api.client.post("/v1/backends/words/fork", json={"name": "copy"})).json()["forked_at"] == 2
    assert (await api.client.post("/v1/backends/words/undo", json={"count": 1})).status_code == 201
    assert len((await api.get("/v1/backends/words/diff?other=copy"))["items"]) == 1
    document = await api.get("/v1/backends/copy/export")
    applied = await api.client.post("/v1/backends/words/apply", json={"document": document, "dry_run": True})
    assert (applied.status_code, len(applied.json()["operations"])) == (200, 1)
    assert (await api.client.post("/v1/backends/new/apply", json={"document": {**document, "name": "new"}})).json()["created"]
    assert (await api.client.post("/v1/backends/words/compact")).status_code == 200
    assert (await api.client.delete("/v1/backends/words")).status_code == 204
    assert [row["name"] for row in (await api.get("/v1/backends"))["items"]] == ["copy", "new"]


async def test_a_deployment_is_accepted_shown_and_torn_down(api: ApiServing) -> None:
    deployment_id = await deployed(api)
    assert (await api.get("/v1/deployments/words"))["id"] == deployment_id
    assert [row["id"] for row in (await api.get("/v1/deployments"))["items"]] == [deployment_id]
    (container,) = (await api.get(f"/v1/deployments/{deployment_id}/containers"))["items"]
    assert (container["vertex"], container["secret"]) == ("v", "")
    assert (await api.get(f"/v1/containers/{container['id']}"))["vertex"] == "v"
    again = await api.client.post("/v1/backends/words/deployment", json={})
    assert code(again) == (409, "deployment_live")
    answer = await api.client.delete(f"/v1/deployments/{deployment_id}")
    assert (answer.status_code, answer.json()["status"]) == (202, "tearing_down")


async def test_a_deployment_and_a_redeployment_need_no_body(api: ApiServing) -> None:
    await backend(api)
    api.platform.runtime()
    answer = await api.client.post("/v1/backends/words/deployment")
    assert answer.status_code == 202, answer.text
    set_status(api, answer.json()["id"], "running")
    assert (await api.client.post("/v1/deployments/words/redeploy")).status_code == 202


async def lines(answer: httpx.Response) -> list[str]:
    return [line async for line in answer.aiter_lines() if line]


async def test_wait_tells_every_change_and_ends_with_the_status(api: ApiServing) -> None:
    deployment_id = await deployed(api)
    waiting = asyncio.create_task(api.client.get("/v1/deployments/words/wait?status=running&timeout=20s"))
    await asyncio.sleep(0.05)
    set_status(api, deployment_id, "running")
    answer = await waiting
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.splitlines()[-1].count('"status":"running"') == 1


async def test_who_is_told_that_it_runs_finds_its_urls_answering(api: ApiServing) -> None:
    deployment_id = await deployed(api)
    backend_id = (await api.get("/v1/backends/words"))["backend"]["id"]
    api.gateway.said[backend_id] = "deploying"
    set_status(api, deployment_id, "running")
    asking = [asyncio.create_task(api.client.get(f"/v1/deployments/words{path}")) for path in ("", "/wait?timeout=20s")]
    done, _ = await asyncio.wait(asking, timeout=0.2)
    assert not done
    api.gateway.said[backend_id] = "running"
    assert all('"status":"running"' in answer.text for answer in await asyncio.gather(*asking))


async def test_who_is_told_that_it_is_torn_down_finds_its_urls_gone(api: ApiServing) -> None:
    await deployed(api)
    backend_id = (await api.get("/v1/backends/words"))["backend"]["id"]
    api.gateway.said[backend_id] = "running"
    ending = asyncio.create_task(api.client.delete("/v1/deployments/words"))
    done, _ = await asyncio.wait((ending,), timeout=0.2)
    assert not done
    api.gateway.said[backend_id] = "tearing_down"
    assert (await ending).status_code == 202


@pytest.mark.parametrize(("status", "state"), [("running", "failed"), ("running", "tearing_down"), ("failed", "failed")])
async def test_wait_ends_when_it_cannot_come_any_more(api: ApiServing, status: str, state: str) -> None:
    set_status(api, await deployed(api), state)
    answer = await api.client.get(f"/v1/deployments/words/wait?status={status}&timeout=1h")
    assert state in answer.text.splitlines()[-1]


async def test_wait_ends_when_the_time_is_over(api: ApiServing) -> None:
    await deployed(api)
    answer = await api.client.get("/v1/deployments/words/wait?timeout=10ms")
    assert len(answer.text.splitlines()) == 1


@pytest.mark.parametrize("query", ["timeout=soon", "timeout=25h", "timeout=-1s"])
async def test_a_time_that_is_none_is_422(api: ApiServing, query: str) -> None:
    await deployed(api)
    assert code(await api.client.get(f"/v1/deployments/words/wait?{query}")) == (422, "invalid_argument")


async def test_events_come_with_their_ids_and_go_on_after_the_last_one_seen(api: ApiServing) -> None:
    deployment_id = await deployed(api)
    with api.platform.store.transaction() as rows:
        row = rows.find_deployment(deployment_id)
        assert row is not None
        rows.put_deployment(replace(row, status="tearing_down", gone_at_ns=1))
    answer = await api.client.get(f"/v1/deployments/{deployment_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    first = answer.text.split("\n\n")[0].splitlines()
    assert first[1] == "event: deployment.deploying"
    seq = first[0].removeprefix("id: ")
    rest = await api.client.get(f"/v1/deployments/{deployment_id}/events", headers={"last-event-id": seq})
    assert f"id: {seq}\n" not in rest.text


async def test_logs_come_as_lines(api: ApiServing) -> None:
    deployment_id = await deployed(api)
    (container,) = (await api.get(f"/v1/deployments/{deployment_id}/containers"))["items"]
    api.controller.lines[container["id"]] = [LogLine(at_ns=n, stream="stdout", text=f"line {n}") for n in range(3)]
    answer = await api.client.get(f"/v1/containers/{container['id']}/logs?tail=2&follow=true")
    assert [line.split('"text":')[1].split(",")[0] for line in await lines(answer)] == ['"line 1"', '"line 2"']


async def test_the_counters_of_a_container_are_there_once_it_has_said_them(api: ApiServing) -> None:
    deployment_id = await deployed(api)
    (container,) = (await api.get(f"/v1/deployments/{deployment_id}/containers"))["items"]
    path = f"/v1/containers/{container['id']}/pulse"
    assert code(await api.client.get(path)) == (404, "not_found")
    edge = EdgeCounters(position=0, messages=7, size_bytes=70, waiting=1, lost=0)
    api.controller.pulses[container["id"]] = Pulse(ticks=7, failures=1, inputs=(edge,))
    pulse = await api.get(path)
    assert (pulse["ticks"], pulse["inputs"][0]["messages"]) == (7, 7)


async def test_logs_of_nobody_are_404(api: ApiServing) -> None:
    assert code(await api.client.get("/v1/containers/c-nope/logs")) == (404, "not_found")


async def test_a_file_is_uploaded_in_pieces_linked_fetched_and_deleted(api: ApiServing) -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(5):
            yield b"x" * 10_000

    answer = await api.client.post("/v1/files?name=w.bin&type=weights", content=pieces())
    assert (answer.status_code, answer.json()["size_bytes"]) == (201, 50_000)
    lease = (await api.client.post("/v1/leases", json={"label": "l"})).json()["id"]
    linked = await api.client.post("/v1/files/w.bin/link", json={"lease": lease})
    assert linked.json()["lease_id"] == lease
    content = await api.client.get(f"/v1/files/{answer.json()['id']}/content")
    assert len(content.content) == 50_000 and "w.bin" in content.headers["content-disposition"]
    assert (await api.client.delete(f"/v1/files/{answer.json()['id']}")).status_code == 204
    assert len((await api.get("/v1/files"))["items"]) == 1


async def test_a_lease_lives_and_is_closed_once(api: ApiServing) -> None:
    lease = (await api.client.post("/v1/leases", json={"ttl": "5m"})).json()["id"]
    assert (await api.client.post(f"/v1/leases/{lease}/heartbeat")).status_code == 200
    assert (await api.client.post(f"/v1/leases/{lease}/result", json={"verdict": "passed"})).status_code == 200
    assert (await api.get(f"/v1/leases/{lease}"))["lease"]["result"] == {"verdict": "passed"}
    assert (await api.client.post(f"/v1/leases/{lease}/promote", json={"resources": []})).status_code == 200
    assert (await api.client.post(f"/v1/leases/{lease}/commit")).json()["state"] == "committed"
    assert code(await api.client.post(f"/v1/leases/{lease}/rollback")) == (409, "lease_closed")
    assert (await api.get("/v1/leases"))["items"] == [] and len((await api.get("/v1/leases?all=true"))["items"]) == 1


async def test_a_runtime_is_made_locked_and_drained(api: ApiServing) -> None:
    body = {"name": "small", "launcher": "fake", "nodes": [{"cpu": 2.0, "memory_bytes": 1 << 30}]}
    assert (await api.client.post("/v1/runtimes", json=body)).status_code == 201
    assert (await api.client.post("/v1/runtimes/small/lock")).json()["locked"]
    assert not (await api.client.post("/v1/runtimes/small/unlock")).json()["locked"]
    assert (await api.client.post("/v1/runtimes/small/drain")).json()["draining"]
    assert not (await api.client.post("/v1/runtimes/small/undrain")).json()["draining"]
    assert (await api.get("/v1/runtimes/small/load"))["items"][0]["cpu"] == 2.0
    assert len((await api.get("/v1/runtimes"))["items"]) == 1


async def test_types_audit_and_status(api: ApiServing) -> None:
    assert "Image" in {row["name"] for row in (await api.get("/v1/types"))["items"]}
    assert (await api.get("/v1/types/Image"))["name"] == "Image"
    await api.client.post("/v1/backends", json={"name": "b"})
    assert [row["type"] for row in (await api.get("/v1/audit?backend=b"))["items"]] == ["backend.created"]
    status = await api.get("/v1/status")
    assert (status["actor"], status["statistics"]["controller"]) == ("alice", {"steps": 7})


async def test_metrics_are_readable_for_prometheus(api: ApiServing) -> None:
    text = (await api.client.get("/metrics")).text
    assert "# TYPE pie_deploy_gateway_requests_total counter\npie_deploy_gateway_requests_total 3\n" in text
    assert 'pie_deploy_gateway_answers{kind="2xx"} 2\n' in text


async def test_an_upload_whose_caller_leaves_is_no_file(api: ApiServing) -> None:
    pieces = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return next(pieces)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer alice-key"), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": "/v1/files", "raw_path": b"/v1/files", "query_string": b"name=x"}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "root_path": "", "client": None, "server": None}
    await api.app(scope, receive, send)
    assert sent[0]["status"] == 422
    assert (await api.get("/v1/files"))["items"] == []


async def test_slow_uploads_hold_up_nobody_else(api: ApiServing) -> None:
    async def never_ending():  # type: ignore[no-untyped-def]
        yield b"x"
        await asyncio.Event().wait()

    uploads = [asyncio.create_task(api.client.post("/v1/files?name=slow", content=never_ending())) for _ in range(20)]
    for _ in range(10):
        assert (await api.client.get("/v1/types")).status_code == 200
        await asyncio.to_thread(lambda: None)
    for upload in uploads:
        upload.cancel()
    await asyncio.gather(*uploads, return_exceptions=True)
