"""What `ports.store` promises, on every database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from platform_rows import (
    START_NS,
    a_backend,
    a_container,
    a_deployment,
    a_file,
    a_lease,
    a_runtime,
    a_version,
    an_api_key,
    an_operation,
)
from sqlalchemy.exc import IntegrityError

from pie_deploy.domain.manifest import ComponentManifest, Endpoint, Parameter, Worker
from pie_deploy.domain.operations import AddFile, AddVertex, Connect, Input, Output, RestoreVertex
from pie_deploy.errors import AlreadyExistsError, ConflictError, DeploymentLiveError
from pie_deploy.ports.store import Store

# Rows come back as they went in


def test_a_version_comes_back_whole(store: Store) -> None:
    manifest = ComponentManifest(
        name="count",
        summary="Zählt Wörter ✓",
        worker=Worker(input_types=("[t]",), config_schema={"k": Parameter(type="Int64", default="3", mutable=True)}),
        http={"text": Endpoint(direction="ingress", into=0)},
    )
    version = a_version(manifest=manifest, readme="# Count\n", lease_id="l-1")
    with store.transaction() as transaction:
        transaction.put_version(version)
    with store.reading() as reading:
        assert reading.find_version("cv-1") == version


def test_other_rows_come_back_whole(store: Store) -> None:
    deployment = a_deployment(fixed_duration="1h30m", hard_deadline_ns=START_NS + 1, status_reason="crashloop", debug=True)
    container = a_container(recent_restarts_ns=(1, 2), exit_code=-9, ports={"web": 8080}, cpu=0.25, memory_bytes=1 << 40)
    lease = a_lease(result={"verdict": "passed", "steps": [1, 2.5, None]})
    runtime, file = a_runtime(labels=("cpu", "gpu")), a_file(generated_by="d-1/report/out")
    with store.transaction() as transaction:
        transaction.put_deployment(deployment)
        transaction.put_container(container)
        transaction.put_lease(lease)
        transaction.put_runtime(runtime)
        transaction.put_file(file)
    with store.reading() as reading:
        assert reading.find_deployment("d-1") == deployment
        assert reading.find_container("c-1") == container
        assert reading.find_lease("l-1") == lease
        assert (reading.find_runtime("local"), reading.find_runtime("r-1")) == (runtime, runtime)
        assert (reading.find_file("stopwords"), reading.find_file("f-1")) == (file, file)


def test_putting_a_row_again_changes_it(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_container(a_container())
        transaction.put_container(a_container(state="ready", pid=7))
    with store.reading() as reading:
        assert reading.find_container("c-1") == a_container(state="ready", pid=7)


def test_what_is_not_there_is_none(store: Store) -> None:
    with store.reading() as reading:
        assert reading.find_version("x") is None
        assert reading.find_version("x@1") is None
        assert reading.find_version("x@one") is None
        assert reading.find_version("x@99999999999999999999") is None
        assert reading.find_backend("x") is None
        assert reading.find_deployment("x") is None
        assert reading.deployment_of("x") is None
        assert reading.find_container("x") is None
        assert reading.find_runtime("x") is None
        assert reading.find_lease("x") is None
        assert reading.find_file("x") is None


@pytest.mark.parametrize("ref", ["a\0b", "\ud800", "x" * 100_000], ids=["null", "surrogate", "long"])
def test_what_no_database_takes_is_the_name_of_nothing(store: Store, ref: str) -> None:
    with store.reading() as reading:
        finders = (reading.find_version, reading.find_backend, reading.find_deployment, reading.find_runtime, reading.find_lease)
        assert [find(ref) for find in (*finders, reading.find_file, reading.find_container)] == [None] * 7
        assert reading.find_version(f"{ref}@1") is None
        assert [*reading.versions(ref), *reading.events(lease_id=ref), *reading.operations(ref)] == []
        assert reading.deployment_of(ref) is None


def test_a_seq_may_be_any_number(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.append([an_operation(1)])
        transaction.add_event("x", START_NS)
        for after, count in ((-(2**80), 1), (2**80, 0)):
            assert (len(transaction.operations("b-1", after)), len(transaction.events(after))) == (count, count)


# Transactions


def test_an_exception_rolls_everything_back(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction() as transaction:
        transaction.put_backend(a_backend())
        transaction.add_event("backend.created", START_NS)
        raise RuntimeError
    with store.reading() as reading:
        assert reading.backends() == []
        assert reading.events() == []


def test_a_transaction_sees_what_it_wrote(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_backend(a_backend())
        assert transaction.find_backend("words") == a_backend()


def test_a_reading_sees_one_moment(store: Store) -> None:
    with store.reading() as reading:
        assert reading.backends() == []
        with store.transaction() as transaction:
            transaction.put_backend(a_backend())
        assert reading.backends() == []
    with store.reading() as reading:
        assert reading.backends() == [a_backend()]


def test_a_writer_sees_all_that_writers_before_it_did(store: Store) -> None:
    """Read, add one, write: nothing is lost between many threads, and none of them fails."""

    def count() -> None:
        for _ in range(10):
            with store.transaction() as transaction:
                backend = transaction.find_backend("b-1")
                assert backend is not None
                transaction.put_backend(replace(backend, head=backend.head + 1))

    with store.transaction() as transaction:
        transaction.put_backend(a_backend())
    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(count) for _ in range(6)]:
            future.result()
    with store.reading() as reading:
        assert reading.find_backend("b-1") == a_backend(head=60)


def test_readers_do_not_wait_for_the_writer(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_backend(a_backend())
        found: list[object] = []
        reader = threading.Thread(target=lambda: found.append(_backends(store)))
        reader.start()
        reader.join(20)
        assert found == [[]]


def _backends(store: Store) -> list[object]:
    with store.reading() as reading:
        return list(reading.backends())


def test_a_transaction_inside_a_transaction_is_a_bug_not_a_long_wait(store: Store) -> None:
    with store.transaction(), pytest.raises(AssertionError), store.transaction():
        pass


# Component versions


def test_a_name_finds_the_newest_released_version(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_version(a_version("cv-1", version="1", state="released"))
        transaction.put_version(a_version("cv-2", version="2", state="released"))
        transaction.put_version(a_version("cv-3", version="3"))
        found = transaction.find_version("count")
        assert found is not None
        assert found.id == "cv-2"


def test_a_name_without_a_release_finds_the_newest_version(store: Store) -> None:
    with store.transaction() as transaction:
        for number in (9, 10):
            transaction.put_version(a_version(f"cv-{number}", version=str(number)))
        found = transaction.find_version("count")
        assert found is not None
        assert found.id == "cv-10"
        pinned = transaction.find_version("count@9")
        assert pinned is not None
        assert pinned.id == "cv-9"


def test_versions_are_listed_by_name_newest_first(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_version(a_version("cv-1", "b", "1"))
        transaction.put_version(a_version("cv-2", "b", "2", lease_id="l-1"))
        transaction.put_version(a_version("cv-3", "a", "1"))
        assert [version.id for version in transaction.versions()] == ["cv-3", "cv-2", "cv-1"]
        assert [version.id for version in transaction.versions("b")] == ["cv-2", "cv-1"]
        assert [version.id for version in transaction.versions(lease_id="l-1")] == ["cv-2"]


def test_version_numbers_are_never_given_twice(store: Store) -> None:
    with store.transaction() as transaction:
        assert [transaction.next_version("a"), transaction.next_version("a"), transaction.next_version("b")] == [1, 2, 1]
        transaction.put_version(a_version("cv-2", "a", "2"))
        transaction.delete_version("cv-2")
        assert transaction.find_version("cv-2") is None
        assert transaction.next_version("a") == 3


def test_content_is_used_as_long_as_a_file_or_a_version_has_it(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_version(a_version(content_hash="11"))
        transaction.put_file(a_file(content_hash="22"))
        assert transaction.is_content_used("11")
        assert transaction.is_content_used("22")
        transaction.delete_version("cv-1")
        transaction.delete_file("f-1")
        assert not transaction.is_content_used("11")
        assert not transaction.is_content_used("22")


# Backends and their logs


def test_names_are_sorted_by_their_characters(store: Store) -> None:
    names = ["a-b", "a_b", "a1", "ab", "b"]
    with store.transaction() as transaction:
        for number, name in enumerate(reversed(names)):
            transaction.put_backend(a_backend(f"b-{number}", name))
        assert [backend.name for backend in transaction.backends()] == sorted(names)


def test_two_living_backends_cannot_share_a_name(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_backend(a_backend("b-1"))
    with pytest.raises(AlreadyExistsError, match="words"), store.transaction() as transaction:
        transaction.put_backend(a_backend("b-2"))


def test_the_name_of_a_deleted_backend_is_free(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_backend(a_backend("b-1", deleted_at_ns=START_NS))
        transaction.put_backend(a_backend("b-2"))
        found = transaction.find_backend("words")
        assert found is not None
        assert found.id == "b-2"
        assert [backend.id for backend in transaction.backends()] == ["b-2"]
        assert transaction.find_backend("b-1") == a_backend("b-1", deleted_at_ns=START_NS)


def test_a_log_comes_back_in_order(store: Store) -> None:
    operations = [
        AddVertex(vertex="a", component="cv-1", parameters={"k": "1"}, position=(1.5, 2.0)),
        Connect(output=Output("a", 0), input=Input("b", 1)),
        AddFile(vertex="a", slot="s", file="f-1"),
        RestoreVertex(vertex="c", transformation="zip", edges=((Output("a"), Input("c")),), aliases={"text": "in"}),
    ]
    records = [an_operation(seq, operation=operation) for seq, operation in enumerate(operations, 1)]
    with store.transaction() as transaction:
        transaction.append(records[:2])
        transaction.append(records[2:])
        transaction.append([an_operation(1, "b-2")])
    with store.reading() as reading:
        assert reading.operations("b-1") == records
        assert reading.operations("b-1", after=1, limit=2) == records[1:3]
        assert reading.operations("b-3") == []


def test_an_append_that_does_not_follow_the_head_is_refused_whole(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.append([an_operation(1)])
    for seqs in ([1, 2], [3, 4]):
        with pytest.raises(ConflictError, match="b-1"), store.transaction() as transaction:
            transaction.append([an_operation(seq) for seq in seqs])
    with store.reading() as reading:
        assert reading.operations("b-1") == [an_operation(1)]


def test_nothing_to_append_is_nothing(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.append([])


def test_a_replaced_log_starts_at_one_again_and_may_be_replaced_again(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.append([an_operation(seq) for seq in (1, 2, 3)])
        transaction.replace_log("b-1", [an_operation(1)])
        transaction.replace_log("b-1", [an_operation(1), an_operation(2)])
        transaction.append([an_operation(3)])
        assert [record.seq for record in transaction.operations("b-1")] == [1, 2, 3]


# Deployments and containers


def test_a_backend_has_at_most_one_deployment_that_is_not_gone(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_deployment(a_deployment("d-1", status="failed"))
    with pytest.raises(DeploymentLiveError, match="b-1"), store.transaction() as transaction:
        transaction.put_deployment(a_deployment("d-2"))
    with store.transaction() as transaction:
        transaction.put_deployment(a_deployment("d-1", status="tearing_down", gone_at_ns=START_NS))
        transaction.put_deployment(a_deployment("d-2"))
        assert transaction.deployment_of("b-1") == a_deployment("d-2")


def test_of_two_that_deploy_at_once_one_wins(store: Store) -> None:
    def deploy(id_: str) -> bool:
        try:
            with store.transaction() as transaction:
                transaction.put_deployment(a_deployment(id_))
        except DeploymentLiveError:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(deploy, [f"d-{number}" for number in range(5)])) == [False] * 4 + [True]


def test_deployments_are_listed_newest_first_without_gone_ones(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_deployment(a_deployment("d-1", "b-1", created_at_ns=1, gone_at_ns=5))
        transaction.put_deployment(a_deployment("d-2", "b-2", created_at_ns=2, lease_id="l-1"))
        transaction.put_deployment(a_deployment("d-3", "b-3", created_at_ns=3, runtime_id="r-2"))
        assert [deployment.id for deployment in transaction.deployments()] == ["d-3", "d-2"]
        assert [deployment.id for deployment in transaction.deployments(gone=True)] == ["d-3", "d-2", "d-1"]
        assert [deployment.id for deployment in transaction.deployments(lease_id="l-1")] == ["d-2"]
        assert [deployment.id for deployment in transaction.deployments(runtime_id="r-2")] == ["d-3"]


def test_containers_are_those_of_living_deployments_or_of_one(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_deployment(a_deployment("d-1", gone_at_ns=5))
        transaction.put_deployment(a_deployment("d-2"))
        for id_, deployment_id, vertex in (("c-1", "d-1", "a"), ("c-2", "d-2", "b"), ("c-3", "d-2", "a")):
            transaction.put_container(a_container(id_, deployment_id, vertex))
        assert [container.id for container in transaction.containers()] == ["c-3", "c-2"]
        assert [container.id for container in transaction.containers("d-1")] == ["c-1"]
        transaction.delete_containers(["c-2", "c-3"])
        transaction.delete_containers([])
        assert transaction.containers() == []


# Runtimes, leases, files


def test_two_runtimes_cannot_share_a_name(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_runtime(a_runtime("r-1"))
    with pytest.raises(AlreadyExistsError, match="local"), store.transaction() as transaction:
        transaction.put_runtime(a_runtime("r-2"))


def test_closed_leases_are_listed_only_when_asked_for(store: Store) -> None:
    with store.transaction() as transaction:
        for number, state in enumerate(("open", "rolling_back", "rolled_back", "committed")):
            transaction.put_lease(a_lease(f"l-{number}", state=state, created_at_ns=number))
        assert [lease.id for lease in transaction.leases()] == ["l-1", "l-0"]
        assert [lease.id for lease in transaction.leases(closed=True)] == ["l-3", "l-2", "l-1", "l-0"]


def test_a_file_name_finds_the_newest_file(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_file(a_file("f-1", created_at_ns=1))
        transaction.put_file(a_file("f-2", created_at_ns=2, lease_id="l-1"))
        assert transaction.find_file("stopwords") == a_file("f-2", created_at_ns=2, lease_id="l-1")
        assert [file.id for file in transaction.files()] == ["f-2", "f-1"]
        assert [file.id for file in transaction.files(lease_id="l-1")] == ["f-2"]


# Events


def test_events_are_counted_and_filtered(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.add_event("backend.created", START_NS, actor="alice", backend_id="b-1", data={"name": "words", "tags": [1]})
        transaction.add_event("deployment.running", START_NS + 1, backend_id="b-1", deployment_id="d-1")
        transaction.add_event("lease.closed", START_NS + 2, lease_id="l-1")
    with store.reading() as reading:
        first, second, third = reading.events()
        assert (first.type, first.at_ns, first.actor, first.data) == (
            "backend.created",
            START_NS,
            "alice",
            {"name": "words", "tags": [1]},
        )
        assert first.seq < second.seq < third.seq
        assert reading.events(backend_id="b-1") == [first, second]
        assert reading.events(deployment_id="d-1") == [second]
        assert reading.events(lease_id="l-1") == [third]
        assert reading.events(first.seq, limit=1) == [second]


def test_the_oldest_events_go_some_at_a_time_and_numbers_are_not_used_again(store: Store) -> None:
    with store.transaction() as transaction:
        for at_ns in range(5):
            transaction.add_event("backend.created", at_ns)
    with store.transaction() as transaction:
        assert [transaction.delete_events(4, 3), transaction.delete_events(4, 3), transaction.delete_events(4, 3)] == [3, 1, 0]
        (left,) = transaction.events()
        transaction.delete_events(9, 3)
        transaction.add_event("backend.created", 9)
        assert [event.seq for event in transaction.events()] == [left.seq + 1]


def test_a_deployments_oldest_events_go_without_those_of_others(store: Store) -> None:
    with store.transaction() as transaction:
        for at_ns in range(4):
            transaction.add_event("container.ready", at_ns, deployment_id="d-1")
            transaction.add_event("container.ready", at_ns, deployment_id="d-2")
    with store.transaction() as transaction:
        assert transaction.oldest_of_newest_events("d-1", 4) is None
        oldest = transaction.oldest_of_newest_events("d-1", 2)
        assert oldest is not None
        assert transaction.delete_events_of("d-1", oldest, 100) == 2
        assert [event.at_ns for event in transaction.events(deployment_id="d-1")] == [2, 3]
        assert len(transaction.events(deployment_id="d-2")) == 4


def test_who_follows_events_by_seq_misses_none(store: Store) -> None:
    """Numbers become visible in order, whoever commits first."""
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        while True:
            last = done.is_set()
            with store.reading() as reading:
                seen.extend(event.seq for event in reading.events(seen[-1] if seen else 0))
            if last:
                return

    def write() -> None:
        for _ in range(10):
            with store.transaction() as transaction:
                transaction.add_event("x", START_NS)

    with ThreadPoolExecutor(5) as pool:
        follower = pool.submit(follow)
        for writer in [pool.submit(write) for _ in range(4)]:
            writer.result()
        done.set()
        follower.result()
    assert len(seen) == 40
    assert seen == sorted(seen)


def test_what_was_committed_is_there_after_opening_again(database_url: str) -> None:
    from pie_deploy.store import open_store

    first = open_store(database_url)
    with first.transaction() as transaction:
        transaction.put_backend(a_backend())
    first.close()
    second = open_store(database_url)
    with second.reading() as reading:
        assert reading.backends() == [a_backend()]
    second.close()


# API keys


def test_an_api_key_is_found_by_its_digest_and_by_nothing_else(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_api_key(an_api_key())
    with store.reading() as reading:
        assert reading.find_api_key("ef" * 32) == an_api_key()
        assert [reading.find_api_key(other) for other in ("k-1", "ci", "", "EF" * 32, "\0")] == [None] * 5


def test_api_keys_are_listed_oldest_first_and_deleted(store: Store) -> None:
    keys = [an_api_key(f"k-{number}", digest=f"{number:064x}", created_at_ns=START_NS - number) for number in range(3)]
    with store.transaction() as transaction:
        for key in keys:
            transaction.put_api_key(key)
    with store.transaction() as transaction:
        assert [key.id for key in transaction.api_keys()] == ["k-2", "k-1", "k-0"]
        transaction.delete_api_keys(["k-1", "k-none"])
        transaction.delete_api_keys([])
    with store.reading() as reading:
        assert list(reading.api_keys()) == [keys[2], keys[0]]


def test_two_api_keys_are_never_the_same(store: Store) -> None:
    with pytest.raises(IntegrityError), store.transaction() as transaction:
        transaction.put_api_key(an_api_key("k-1"))
        transaction.put_api_key(an_api_key("k-2"))
