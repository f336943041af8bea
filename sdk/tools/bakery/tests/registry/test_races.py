"""Two at once, in threads of their own: the database decides, and exactly one wins."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bakery.errors import RefusedError
from bakery.registry.application import Application
from bakery.registry.messages import CommitRequest, NewRequest
from bakery.registry.publishing import Publishing
from bakery.registry.records import User
from bakery.registry.tokens import upload_id

T = TypeVar("T")
Fields = Callable[..., dict[str, Any]]
NOW_S = 1_800_000_000.0


def at_once(*calls: Callable[[], T]) -> list[T | str]:
    """What each call returned, or the name of the error that it raised."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | str:
        start.wait(timeout=60)
        try:
            return call()
        except RefusedError as error:
            return type(error).__name__

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def user(registry: Application, login: str) -> User:
    found = registry.accounts.user_of(registry.accounts.issue(login, NOW_S), NOW_S)
    assert found is not None
    return found


def staged(registry: Application, publishing: Publishing, who: User, fields: dict[str, Any], wasm: bytes) -> Callable[[], int]:
    """Announces and uploads; returns the commit."""
    address = publishing.announce(who, NewRequest(**fields), NOW_S)
    part = registry.artifacts.begin(address.upload)
    part.write(wasm)
    part.finish()
    return lambda: publishing.commit(who, CommitRequest(**fields), NOW_S)


def test_of_two_publishers_who_race_for_a_name_exactly_one_wins(registry: Application, fields: Fields, toast: bytes) -> None:
    publishing = Publishing(registry.store, registry.artifacts)
    users = [user(registry, login) for login in ("alice", "bob", "carol", "dave")]
    for round_ in range(5):
        name = f"toast{round_}"
        commits = [staged(registry, publishing, who, fields(name), toast) for who in users]
        outcomes = at_once(*commits)
        assert sorted(map(type, outcomes), key=str) == [int, str, str, str], outcomes
        assert {outcome for outcome in outcomes if isinstance(outcome, str)} == {"ForbiddenError"}
        winner = users[next(place for place, outcome in enumerate(outcomes) if isinstance(outcome, int))]
        program = registry.store.program(name)
        assert (program.owner, len(program.versions), program.versions[0].publisher) == (winner.login, 1, winner.login)


def test_of_names_that_look_alike_exactly_one_wins(registry: Application, fields: Fields, toast: bytes) -> None:
    publishing = Publishing(registry.store, registry.artifacts)
    alice = user(registry, "alice")
    commits = [staged(registry, publishing, alice, fields(name), toast) for name in ("my-toast", "my_toast", "My-Toast")]
    assert sorted(map(str, at_once(*commits)))[1:] == ["ConflictError"] * 2


def test_of_two_commits_of_a_version_exactly_one_wins(registry: Application, fields: Fields, toast: bytes) -> None:
    publishing = Publishing(registry.store, registry.artifacts)
    alice = user(registry, "alice")
    bodies = [toast + bytes([number]) for number in range(3)]
    commits = [staged(registry, publishing, alice, fields(wasm=body), body) for body in bodies]
    outcomes = at_once(*commits)
    assert outcomes.count("ConflictError") == 2, outcomes
    (version,) = registry.store.program("toast").versions
    won = next(place for place, outcome in enumerate(outcomes) if isinstance(outcome, int))
    assert version.checksum == fields(wasm=bodies[won])["checksum"]


def test_the_same_announcement_at_once_is_one(registry: Application, fields: Fields) -> None:
    publishing = Publishing(registry.store, registry.artifacts)
    alice = user(registry, "alice")
    addresses = at_once(*[lambda: publishing.announce(alice, NewRequest(**fields()), NOW_S).upload] * 4)
    assert set(addresses) == {upload_id(alice.id, registry.store.upload(str(addresses[0]), NOW_S).submission)}


def test_no_download_goes_uncounted(registry: Application, fields: Fields, toast: bytes) -> None:
    publishing = Publishing(registry.store, registry.artifacts)
    staged(registry, publishing, user(registry, "alice"), fields(), toast)()
    at_once(*[lambda: [registry.store.count_download("toast") for _ in range(5)]] * 4)
    assert registry.store.program("toast").downloads == 20


def test_servers_that_start_at_once_share_tables_and_key(database: str, tmp_path: Any) -> None:
    def start() -> bytes:
        application = Application(database, str(tmp_path))
        key = application.store.signing_key()
        application.close()
        return key

    keys = at_once(*[start] * 4)
    assert len(set(keys)) == 1


def test_tokens_for_a_new_user_at_once_are_of_one_user(registry: Application) -> None:
    tokens = at_once(*[lambda: registry.accounts.issue("alice", NOW_S)] * 4)
    users = [registry.accounts.user_of(str(token), NOW_S) for token in tokens]
    assert {found and found.id for found in users} == {users[0] and users[0].id}
