"""The three steps, on each database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bakery.limits import UPLOAD_EXPIRES_S, UPLOADS_AT_ONCE_PER_USER_MAX, UPLOADS_PENDING_MAX
from bakery.registry import publishing

Fields = Callable[..., dict[str, Any]]


async def test_a_version_is_there_after_the_third_step_and_not_before(bench: Any, fields: Fields, toast: bytes) -> None:
    assert (await bench.announce("alice", fields())).status_code == 200
    assert (await bench.get("inferlets/toast")).status_code == 404
    assert (await bench.upload("alice", fields())).status_code == 200
    assert (await bench.get("inferlets/toast")).status_code == 404
    committed = await bench.commit("alice", fields())
    checksum = fields()["checksum"]
    assert committed.json() == {
        "id": 1,
        "name": "toast",
        "version": "1.0.0",
        "storage_path": f"components/{checksum[:2]}/{checksum}",
    }
    assert (await bench.get("inferlets/toast/1.0.0/download")).content == toast


async def test_the_ticket_says_where_and_how_long(bench: Any, fields: Fields) -> None:
    ticket = (await bench.announce("alice", fields())).json()
    address = urlsplit(ticket["upload_url"])
    assert f"{address.scheme}://{address.netloc}" == "http://registry.test"
    assert set(parse_qs(address.query)) == {"expires", "signature"}
    assert ticket["expires_in_seconds"] == UPLOAD_EXPIRES_S


async def test_a_version_of_a_client_of_pie_04_gets_a_manifest(bench: Any, fields: Fields) -> None:
    """It sends each field by itself, null where it has none."""
    parameters = {"n": {"type": "int", "optional": True, "description": "Slices."}}
    said = {"runtime": {"core": "^0.2.0"}, "parameters": parameters, "dependencies": None, "authors": ["Ann"], "keywords": None}
    await bench.publish(**said, repository=None, readme="# Toast")
    manifest = (await bench.get("inferlets/toast/1.0.0/manifest")).text
    (version,) = (await bench.get("inferlets/toast")).json()["versions"]
    assert manifest.startswith('[package]\nname = "toast"\nversion = "1.0.0"\n')
    assert (version["parameters"], version["runtime"], version["readme"]) == (parameters, {"core": "^0.2.0"}, "# Toast")


async def test_a_manifest_comes_back_byte_for_byte(bench: Any) -> None:
    manifest = '# mine\n[package]\nname = "toast"\nversion = "1.0.0"\ndescription = "Käse 🧀"\n'
    await bench.publish(manifest=manifest)
    assert (await bench.get("inferlets/toast/1.0.0/manifest")).content == manifest.encode()


async def test_without_a_token_nothing_is_published(bench: Any, fields: Fields) -> None:
    for step in ("new", "new/commit"):
        refused = await bench.http.post(f"/api/v1/inferlets/{step}", json=fields())
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_commit_needs_an_upload(bench: Any, fields: Fields) -> None:
    assert (await bench.commit("alice", fields())).status_code == 404
    await bench.announce("alice", fields())
    refused = await bench.commit("alice", fields())
    assert (refused.status_code, refused.json()["detail"][:27]) == (409, "nothing was uploaded yet: P")
    assert (await bench.get("inferlets/toast")).status_code == 404


async def test_an_upload_is_its_users(bench: Any, fields: Fields) -> None:
    await bench.upload("alice", fields())
    assert (await bench.commit("bob", fields())).status_code == 404


async def test_a_commit_of_other_fields_is_of_another_upload(bench: Any, fields: Fields) -> None:
    await bench.upload("alice", fields())
    assert (await bench.commit("alice", fields(version="1.0.1"))).status_code == 404
    assert (await bench.commit("alice", {**fields(), "size_bytes": 20})).status_code == 404


async def test_a_version_never_changes(bench: Any, fields: Fields, toast: bytes) -> None:
    await bench.publish()
    other = fields(wasm=toast + b"!")
    assert (await bench.announce("alice", other)).status_code == 409
    assert (await bench.announce("alice", fields())).status_code == 409
    assert (await bench.get("inferlets/toast/1.0.0/download")).content == toast


async def test_a_name_is_its_first_publishers(bench: Any, fields: Fields) -> None:
    await bench.publish("alice")
    refused = await bench.announce("bob", fields(version="2.0.0"))
    assert (refused.status_code, "belongs to alice" in refused.json()["detail"]) == (403, True)


async def test_a_scope_is_its_users(bench: Any, fields: Fields, toast: bytes) -> None:
    assert (await bench.announce("bob", fields("alice/toast"))).status_code == 403
    await bench.publish("alice", "alice/toast")
    await bench.publish("bob", "toast", wasm=toast + b"!")
    assert (await bench.get("inferlets/alice/toast")).json()["owner"] == "alice"
    assert (await bench.get("inferlets/alice/toast/1.0.0/download")).content == toast
    assert (await bench.get("inferlets/alice%2Ftoast/1.0.0/manifest")).text.splitlines()[1] == 'name = "toast"'
    assert (await bench.get("inferlets/toast/1.0.0/download")).content == toast + b"!"


async def test_a_name_that_looks_like_another_is_refused(bench: Any, fields: Fields) -> None:
    await bench.publish(name="my-toast")
    assert (await bench.announce("bob", fields("My_Toast"))).status_code == 409


async def test_two_programs_may_have_the_same_bytes(bench: Any, toast: bytes) -> None:
    await bench.publish("alice", "toast")
    await bench.publish("bob", "bread")
    assert (await bench.get("inferlets/bread/1.0.0/download")).content == toast
    assert len(list(bench.registry.artifacts.kept())) == 1


@pytest.mark.parametrize("change", ["signature", "expires", "upload"])
async def test_an_address_that_is_not_ours_takes_nothing(bench: Any, fields: Fields, toast: bytes, change: str) -> None:
    url = (await bench.announce("alice", fields())).json()["upload_url"]
    other = (await bench.announce("alice", fields("bread"))).json()["upload_url"]
    forged = {
        "signature": url[:-4] + "0000",
        "expires": url.replace("expires=1", "expires=2"),
        "upload": other.partition("?")[0] + "?" + url.partition("?")[2],
    }[change]
    assert (await bench.http.put(forged, content=toast)).status_code == 403
    assert list(bench.registry.artifacts.staged()) == []


@pytest.mark.parametrize("upload", ["%00", "x", "..%2f..%2fetc", "A" * 64])
async def test_an_address_of_no_upload_is_not_found(bench: Any, toast: bytes, upload: str) -> None:
    answer = await bench.http.put(f"/api/v1/uploads/{upload}?expires=9999999999&signature=x", content=toast)
    assert answer.status_code in {404, 405}


async def test_an_address_expires(bench: Any, fields: Fields, toast: bytes) -> None:
    url = (await bench.announce("alice", fields())).json()["upload_url"]
    bench.time.now_s += UPLOAD_EXPIRES_S
    assert (await bench.http.put(url, content=toast)).status_code == 403


async def test_a_staged_upload_expires_too(bench: Any, fields: Fields) -> None:
    await bench.upload("alice", fields())
    bench.time.now_s += UPLOAD_EXPIRES_S
    assert (await bench.commit("alice", fields())).status_code == 404


async def test_announcing_again_is_harmless_and_gives_more_time(bench: Any, fields: Fields) -> None:
    await bench.upload("alice", fields())
    bench.time.now_s += UPLOAD_EXPIRES_S - 1
    assert (await bench.announce("alice", fields())).status_code == 200
    bench.time.now_s += UPLOAD_EXPIRES_S - 1
    assert (await bench.commit("alice", fields())).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (lambda toast: toast + b"!", 413, "more than the"),
        (lambda toast: toast[:-1], 422, "bytes came"),
        (lambda toast: b"", 422, "bytes came"),
        (lambda toast: toast[:-1] + b"?", 422, "checksum"),
        (lambda toast: b"MZ" + toast[2:], 422, "not a WebAssembly component"),
        (lambda toast: b"\0asm\x01\0\0\0" + toast[8:], 422, "not a WebAssembly component"),
    ],
)
async def test_what_was_not_announced_is_not_taken(
    bench: Any, fields: Fields, toast: bytes, body: Callable[[bytes], bytes], status: int, detail: str
) -> None:
    refused = await bench.upload("alice", fields(), body(toast))
    assert (refused.status_code, detail in refused.json()["detail"]) == (status, True)
    assert list(bench.registry.artifacts.staged()) == []
    assert (await bench.commit("alice", fields())).status_code == 409


async def test_a_bad_attempt_leaves_a_good_one(bench: Any, fields: Fields, toast: bytes) -> None:
    await bench.upload("alice", fields())
    assert (await bench.upload("alice", fields(), toast + b"!")).status_code == 413
    assert (await bench.commit("alice", fields())).status_code == 200


async def test_a_sender_that_stops_is_let_go(bench: Any, fields: Fields, toast: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "BODY_IDLE_S", 0.05)
    shell = publishing.Publishing(bench.registry.store, bench.registry.artifacts)
    address = await address_of(bench, "alice", fields())
    with pytest.raises(publishing.StalledError, match="nothing came"):
        await shell.put(address, pieces(toast[:10], until=asyncio.Event()), bench.time())
    assert list(bench.registry.artifacts.staged()) == []


async def test_a_user_has_only_so_many_uploads_under_way(bench: Any, fields: Fields) -> None:
    for patch in range(UPLOADS_PENDING_MAX):
        assert (await bench.announce("alice", fields(version=f"0.0.{patch}"))).status_code == 200
    refused = await bench.announce("alice", fields(version="1.0.0"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, str(UPLOAD_EXPIRES_S))
    assert (await bench.announce("bob", fields())).status_code == 200
    bench.time.now_s += UPLOAD_EXPIRES_S
    assert (await bench.announce("alice", fields())).status_code == 200


async def address_of(bench: Any, login: str, fields: dict[str, Any]) -> publishing.Address:
    url = urlsplit((await bench.announce(login, fields)).json()["upload_url"])
    query = parse_qs(url.query)
    return publishing.Address(url.path.rpartition("/")[2], int(query["expires"][0]), query["signature"][0])


async def pieces(*content: bytes, until: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece
    if until is not None:
        await until.wait()


async def test_one_user_does_not_take_the_places_of_others(bench: Any, fields: Fields, toast: bytes) -> None:
    shell = publishing.Publishing(bench.registry.store, bench.registry.artifacts)
    address, others = await address_of(bench, "alice", fields()), await address_of(bench, "bob", fields())
    enough, now_s = asyncio.Event(), bench.time()
    slow = [
        asyncio.create_task(shell.put(address, pieces(toast, until=enough), now_s)) for _ in range(UPLOADS_AT_ONCE_PER_USER_MAX)
    ]
    while shell._receiving.total() < UPLOADS_AT_ONCE_PER_USER_MAX:
        await asyncio.sleep(0.001)
    with pytest.raises(publishing.TooManyError):
        await shell.put(address, pieces(toast), now_s)
    await shell.put(others, pieces(toast), now_s)
    enough.set()
    await asyncio.gather(*slow)
    await shell.put(address, pieces(toast), now_s)


async def test_an_upload_ends_when_its_address_does(bench: Any, fields: Fields, toast: bytes) -> None:
    shell = publishing.Publishing(bench.registry.store, bench.registry.artifacts)
    address = await address_of(bench, "alice", fields())
    with pytest.raises(publishing.StalledError, match="longer than"):
        await shell.put(address, pieces(toast, until=asyncio.Event()), address.expires_s - 0.05)
    assert list(bench.registry.artifacts.staged()) == []


async def test_more_than_a_component_may_have_is_refused_at_once(bench: Any, fields: Fields) -> None:
    assert (await bench.announce("alice", {**fields(), "size_bytes": 4097})).status_code == 422


async def test_a_broken_place_for_artifacts_leaves_no_version(bench: Any, fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    await bench.upload("alice", fields())
    monkeypatch.setattr(bench.registry.artifacts._files, "mv", full)
    refused = await bench.commit("alice", fields())
    assert (refused.status_code, "space" in refused.text) == (503, False)
    assert (await bench.get("inferlets/toast")).status_code == 404
    monkeypatch.undo()
    assert (await bench.commit("alice", fields())).status_code == 200
