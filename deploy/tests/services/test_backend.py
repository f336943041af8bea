from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from service_platform import (
    ALICE,
    BOB,
    GATEWAY,
    SHOUT,
    ServicePlatform,
    component_archive,
    connect,
    service_platform,
    shout_operations,
)

from pie_deploy.domain.document import GraphDocument, VertexDocument, parse_document
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    DeleteVertex,
    Describe,
    RemoveFile,
    RenameBackend,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.errors import (
    AlreadyExistsError,
    ConflictError,
    DeploymentLiveError,
    GraphLockedError,
    InvalidArgumentError,
    InvalidOperationError,
    LeaseOwnershipError,
    LiteralError,
    NotFoundError,
    TypeMismatchError,
)


def test_a_new_backend_is_empty(platform: ServicePlatform) -> None:
    backend = platform.services.backends.create(ALICE, "words")
    assert (backend.name, backend.owner, backend.head) == ("words", "alice", 0)
    view = platform.services.backends.show(BOB, "words")
    assert (view.backend, view.vertices, view.deployment) == (backend, (), None)
    assert [problem.message for problem in view.problems] == ["the graph has no vertices"]


@pytest.mark.parametrize("name", ["", "Words", "1a", "a" * 64, "a/b", "a\n"])
def test_a_name_out_of_form_is_refused(platform: ServicePlatform, name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        platform.services.backends.create(ALICE, name)


def test_a_name_is_taken_once(platform: ServicePlatform) -> None:
    platform.services.backends.create(ALICE, "words")
    with pytest.raises(AlreadyExistsError):
        platform.services.backends.create(BOB, "words")


# Appending


def test_names_become_ids_before_anything_is_recorded(platform: ServicePlatform) -> None:
    version = platform.publish()
    backend = platform.services.backends.create(ALICE, "words")
    answer = platform.services.backends.append(ALICE, "words", [AddVertex(vertex="v", component="shout@1")])
    [record] = answer.records
    assert record.operation == AddVertex(vertex="v", component=version.id)
    assert (record.seq, record.actor, record.surface, record.request_id) == (1, "alice", "test", "request-1")
    assert record.inverse == DeleteVertex(vertex="v")
    assert platform.services.backends.operations(ALICE, backend.id) == [record]


def test_the_view_has_names_types_and_problems(platform: ServicePlatform) -> None:
    platform.released()
    platform.backend()
    view = platform.services.backends.show(ALICE, "words")
    [vertex] = view.vertices
    assert vertex.component == "shout@1"
    assert [slot.type for slot in vertex.inputs] == ["String"]
    assert vertex.endpoints == {"text": "ingress", "loud": "egress"}
    assert [(alias.endpoint, alias.role) for alias in view.aliases] == [("text", "v-text")]
    assert view.problems == ()


def test_types_are_resolved_over_the_whole_graph(platform: ServicePlatform) -> None:
    platform.released()
    backends = platform.services.backends
    backends.create(ALICE, "words")
    backends.append(ALICE, "words", [AddVertex(vertex="z", transformation="tee"), *shout_operations(), connect("v", "z")])
    view = backends.show(ALICE, "words")
    tee = next(vertex for vertex in view.vertices if vertex.name == "z")
    assert tee.inputs[0].type == "String"
    assert tee.inputs[0].declared != "String"
    assert view.edges[0].type == "String"


def test_a_batch_is_all_or_nothing(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    before = backends.create(ALICE, "words")
    good, bad = AddVertex(vertex="a", transformation="tee"), DeleteVertex(vertex="none")
    with pytest.raises(InvalidOperationError, match="operation 2 of 2"):
        backends.append(ALICE, "words", [good, bad])
    assert backends.operations(ALICE, "words") == []
    assert backends.show(ALICE, "words").backend == before
    assert backends.append(ALICE, "words", [good]).records[0].seq == 1


def test_an_edge_that_closes_a_cycle_lands_with_a_warning(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    backends.create(ALICE, "words")
    vertices = [AddVertex(vertex=name, transformation="tee") for name in ("a", "b")]
    assert backends.append(ALICE, "words", [*vertices, connect("a", "b")]).warnings == ()
    [warning] = backends.append(ALICE, "words", [connect("b", "a")]).warnings
    assert warning.message == "the cycle a -> b -> a does not go through a delay_one"
    assert warning in backends.show(ALICE, "words").problems
    unrelated = [AddVertex(vertex="c", transformation="tee"), AddVertex(vertex="d", transformation="tee"), connect("c", "d")]
    assert backends.append(ALICE, "words", unrelated).warnings == ()


def test_a_document_is_applied_with_what_keeps_it_from_being_deployed(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    tee = VertexDocument(transformation="tee")
    cycle = GraphDocument(vertices={"a": tee, "b": tee}, edges=("a -> b", "b -> a"))
    for dry_run in (True, False, True):
        applied = backends.apply(ALICE, "words", cycle, dry_run=dry_run)
        assert [one.message for one in applied.problems] == (
            ["the cycle a -> b -> a does not go through a delay_one"] if applied.operations else []
        )
    opened = backends.apply(ALICE, "words", GraphDocument(vertices={"a": tee, "b": tee}, edges=("a -> b",)))
    assert [one.message for one in opened.problems] == ["input 0 of vertex a is not connected"]


def test_versions_in_a_log_have_names(platform: ServicePlatform) -> None:
    version = platform.released()
    backends = platform.services.backends
    backends.create(ALICE, "words")
    appended = backends.append(ALICE, "words", shout_operations())
    assert appended.names == {version.id: "shout@1"}
    log = backends.operations(ALICE, "words")
    assert backends.names(ALICE, [record.operation for record in log]) == {version.id: "shout@1"}


def test_a_slot_that_is_not_there_is_told_as_that_also_while_a_deployment_is_live(platform: ServicePlatform) -> None:
    platform.deployed("words")
    backends = platform.services.backends
    with pytest.raises(InvalidOperationError, match="vertex v has no parameter 'voise'") as refusal:
        backends.append(ALICE, "words", [ChangeParameter(vertex="v", name="voise", value='"x"')])
    assert refusal.value.hint == "did you mean voice? there are marks, voice"
    with pytest.raises(GraphLockedError) as locked:
        backends.append(ALICE, "words", [ChangeParameter(vertex="v", name="voice", value='"x"')])
    assert [one.message for one in locked.value.details] == ["parameter voice of v is not mutable"]


def test_an_empty_batch_is_refused(platform: ServicePlatform) -> None:
    platform.services.backends.create(ALICE, "words")
    with pytest.raises(InvalidArgumentError):
        platform.services.backends.append(ALICE, "words", [])


def test_if_match_refuses_what_somebody_else_has_changed(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    backends.create(ALICE, "words")
    backends.append(ALICE, "words", [Describe(description="a")], if_match=0)
    with pytest.raises(ConflictError, match="head is 1, not 0"):
        backends.append(BOB, "words", [Describe(description="b")], if_match=0)
    backends.append(BOB, "words", [Describe(description="b")])


def test_a_mismatch_names_the_edge_and_records_nothing(platform: ServicePlatform) -> None:
    platform.publish(component_archive("number", input_types=["Int64"], output_types=["Int64"]))
    platform.publish()
    backends = platform.services.backends
    backends.create(ALICE, "words")
    backends.append(ALICE, "words", [*shout_operations(), AddVertex(vertex="n", component="number")])
    with pytest.raises(TypeMismatchError, match=r"edge v\.out0 -> n\.in0"):
        backends.append(ALICE, "words", [connect("v", "n")])
    assert len(backends.operations(ALICE, "words")) == 3


def test_connecting_may_insert_a_transformation_and_says_so(platform: ServicePlatform) -> None:
    platform.publish(component_archive("narrow", output_types=["Int32"]))
    platform.publish(component_archive("wide", input_types=["Int64"]))
    backends = platform.services.backends
    backends.create(ALICE, "words")
    backends.append(ALICE, "words", [AddVertex(vertex="a", component="narrow"), AddVertex(vertex="b", component="wide")])
    with pytest.raises(TypeMismatchError):
        backends.append(ALICE, "words", [connect("a", "b")], bridge=False)
    answer = backends.append(ALICE, "words", [connect("a", "b")])
    [inserted] = answer.inserted
    assert len(answer.records) == 3
    view = backends.show(ALICE, "words")
    assert next(vertex for vertex in view.vertices if vertex.name == inserted).transformation == "convert"
    backends.undo(ALICE, "words")
    assert {vertex.name for vertex in backends.show(ALICE, "words").vertices} == {"a", "b"}


def test_a_literal_is_checked_when_it_is_set(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    with pytest.raises(LiteralError):
        platform.services.backends.append(ALICE, "words", [ChangeParameter(vertex="v", name="marks", value='"three"')])


def test_somebody_elses_prerelease_cannot_be_used(platform: ServicePlatform) -> None:
    version = platform.publish()
    platform.services.backends.create(BOB, "words")
    for ref in ("shout", version.id):
        with pytest.raises(NotFoundError):
            platform.services.backends.append(BOB, "words", [AddVertex(vertex="v", component=ref)])


def test_concurrent_edits_merge(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    backends.create(ALICE, "words")
    names = [f"v{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for future in [
            pool.submit(backends.append, ALICE, "words", [AddVertex(vertex=name, transformation="tee")]) for name in names
        ]:
            future.result()
    records = backends.operations(ALICE, "words")
    assert [record.seq for record in records] == list(range(1, 41))
    view = backends.show(ALICE, "words")
    assert {vertex.name for vertex in view.vertices} == set(names)
    assert view.backend.graph_hash == records[-1].graph_hash


def test_two_platforms_on_one_database_do_not_overwrite_each_other(platform: ServicePlatform, tmp_path: Path) -> None:
    platform.services.backends.create(ALICE, "words")
    other = service_platform(tmp_path)
    for number in range(3):
        for one in (platform, other):
            name = f"v{number}-{'a' if one is platform else 'b'}"
            one.services.backends.append(ALICE, "words", [AddVertex(vertex=name, transformation="tee")])
    other.close()
    assert [record.seq for record in platform.services.backends.operations(ALICE, "words")] == list(range(1, 7))
    assert len(platform.services.backends.show(ALICE, "words").vertices) == 6


def test_a_platform_that_starts_anew_goes_on_where_the_log_ends(platform: ServicePlatform, tmp_path: Path) -> None:
    platform.released()
    backend = platform.backend()
    again = service_platform(tmp_path)
    assert again.services.backends.show(ALICE, "words").backend == backend
    assert again.services.backends.append(ALICE, "words", [SetNote(vertex="v", note="n")]).records[0].seq == backend.head + 1
    again.close()


def test_renaming_renames_the_backend(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    backend = backends.create(ALICE, "words")
    backends.append(ALICE, "words", [RenameBackend(name="letters")])
    assert backends.show(ALICE, "letters").backend.id == backend.id
    with pytest.raises(NotFoundError):
        backends.show(ALICE, "words")
    backends.undo(ALICE, "letters")
    assert backends.show(ALICE, "words").backend.id == backend.id


@pytest.mark.parametrize("name", ["taken", ""])
def test_a_name_that_cannot_be_had_changes_nothing(platform: ServicePlatform, name: str) -> None:
    backends = platform.services.backends
    backends.create(ALICE, "taken")
    backends.create(ALICE, "words")
    with pytest.raises((AlreadyExistsError, InvalidOperationError)):
        backends.append(ALICE, "words", [Describe(description="d"), RenameBackend(name=name)])
    view = backends.show(ALICE, "words")
    assert (view.backend.head, view.description) == (0, "")


# Files


def test_files_are_bound_by_name_or_id_and_checked(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    files, backends = platform.services.files, platform.services.backends
    names, weights = files.upload(ALICE, "names", "text", [b"a"]), files.upload(ALICE, "w", "weights", [b"b"])
    backends.append(
        ALICE, "words", [AddFile(vertex="v", slot="names", file="names"), AddFile(vertex="v", slot="model", file=weights.id)]
    )
    assert backends.show(ALICE, "words").vertices[0].files == {"names": names.id, "model": weights.id}
    with pytest.raises(InvalidOperationError, match="weights"):
        backends.append(ALICE, "words", [AddFile(vertex="v", slot="names", file="w")])
    with pytest.raises(NotFoundError):
        backends.append(ALICE, "words", [AddFile(vertex="v", slot="names", file="none")])


# What is allowed while a deployment is live (R05, R07)

TOPOLOGY = [
    AddVertex(vertex="w", transformation="tee"),
    DeleteVertex(vertex="v"),
    ChangeVersion(vertex="v", component="shout@1"),
    ChangeEndpointAlias(vertex="v", endpoint="text", role=None),
    ChangeEndpointAlias(vertex="v", endpoint="loud", role="loud"),
    ChangeParameter(vertex="v", name="voice", value='"high"'),
    AddFile(vertex="v", slot="model", file="weights"),
]
HARMLESS = [
    ChangeParameter(vertex="v", name="marks", value="3"),
    AddFile(vertex="v", slot="names", file="names"),
    SetNote(vertex="v", note="n"),
    Describe(description="d"),
    RotateEndpoint(vertex="v", endpoint="text"),
]


@pytest.fixture
def live(platform: ServicePlatform) -> ServicePlatform:
    platform.deployed()
    platform.services.files.upload(ALICE, "names", "text", [b"a"])
    platform.services.files.upload(ALICE, "weights", "weights", [b"b"])
    return platform


@pytest.mark.parametrize("operation", TOPOLOGY, ids=lambda operation: type(operation).__name__)
def test_a_topology_change_is_refused_while_a_deployment_is_live(live: ServicePlatform, operation: AddVertex) -> None:
    before = live.services.backends.operations(ALICE, "words")
    with pytest.raises(GraphLockedError) as refused:
        live.services.backends.append(ALICE, "words", [HARMLESS[0], operation])
    assert len(refused.value.details) == 1
    assert live.services.backends.operations(ALICE, "words") == before


@pytest.mark.parametrize("operation", HARMLESS, ids=lambda operation: type(operation).__name__)
def test_mutable_values_and_looks_change_while_a_deployment_is_live(live: ServicePlatform, operation: AddVertex) -> None:
    assert len(live.services.backends.append(ALICE, "words", [operation]).records) == 1


def test_undo_of_a_mutable_value_is_allowed_of_topology_is_not(live: ServicePlatform) -> None:
    backends = live.services.backends
    backends.append(ALICE, "words", [HARMLESS[0]])
    with pytest.raises(GraphLockedError):
        backends.undo(ALICE, "words", 2)
    backends.undo(ALICE, "words", 1)
    assert backends.show(ALICE, "words").vertices[0].parameters == {}


def test_the_graph_of_a_failed_deployment_can_be_edited(live: ServicePlatform) -> None:
    from msgspec.structs import replace

    live.put(replace(live.services.deployments.show(ALICE, "words"), status="failed"))
    live.services.backends.append(ALICE, "words", [TOPOLOGY[0]])


@pytest.mark.parametrize("verb", ["compact", "delete"])
def test_a_backend_with_a_deployment_is_neither_compacted_nor_deleted(live: ServicePlatform, verb: str) -> None:
    with pytest.raises(DeploymentLiveError):
        getattr(live.services.backends, verb)(ALICE, "words")


# Undo, compact, fork, delete


def test_undo_appends_inverses(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    backends = platform.services.backends
    answer = backends.undo(ALICE, "words", 2)
    assert [record.undoes for record in answer.records] == [2, 1]
    assert backends.show(ALICE, "words").vertices == ()
    with pytest.raises(InvalidOperationError):
        backends.undo(ALICE, "words", 1)


def test_undo_reads_as_much_of_the_log_as_it_needs(platform: ServicePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie_deploy.services.history.UNDO_TAIL_OPERATIONS", 0)
    backends = platform.services.backends
    backends.create(ALICE, "words")
    for number in range(10):
        backends.append(ALICE, "words", [Describe(description=str(number))])
    for _ in range(5):
        backends.undo(ALICE, "words", 1)
    assert backends.show(ALICE, "words").description == "4"
    backends.undo(ALICE, "words", 5)
    assert backends.show(ALICE, "words").description == ""


def test_compact_keeps_the_graph_and_shortens_the_log(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    backends = platform.services.backends
    for number in range(5):
        backends.append(ALICE, "words", [ChangeParameter(vertex="v", name="marks", value=str(number))])
    before = backends.show(ALICE, "words")
    compacted = backends.compact(ALICE, "words")
    after = backends.show(ALICE, "words")
    assert compacted.head == len(backends.operations(ALICE, "words")) < before.backend.head
    assert compacted.graph_hash == before.backend.graph_hash
    assert (after.vertices, after.aliases) == (before.vertices, before.aliases)
    with pytest.raises(InvalidOperationError):
        backends.undo(ALICE, "words")
    backends.append(ALICE, "words", [Describe(description="on it goes")])


def test_compacting_an_empty_graph_leaves_an_empty_log(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    created = backends.create(ALICE, "words")
    backends.append(
        ALICE, "words", [AddVertex(vertex="v", transformation="tee"), DeleteVertex(vertex="v"), RenameBackend(name="words")]
    )
    assert backends.compact(ALICE, "words").graph_hash == created.graph_hash


def test_a_fork_goes_its_own_way(platform: ServicePlatform) -> None:
    platform.publish()
    origin = platform.backend()
    backends = platform.services.backends
    fork = backends.fork(BOB, "words", "letters")
    assert (fork.forked_from, fork.forked_at, fork.owner, fork.graph_hash) == (origin.id, 2, "bob", origin.graph_hash)
    backends.append(ALICE, "letters", [DeleteVertex(vertex="v")])
    backends.append(ALICE, "words", [SetNote(vertex="v", note="origin")])
    assert backends.show(ALICE, "letters").vertices == ()
    assert len(backends.show(ALICE, "words").vertices) == 1
    assert [record.seq for record in backends.operations(ALICE, "letters")] == [1, 2, 3]
    backends.undo(ALICE, "letters", 3)


def test_a_fork_may_start_earlier(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    backends = platform.services.backends
    assert backends.fork(ALICE, "words", "one", at=1).head == 1
    assert backends.show(ALICE, "one").aliases == ()
    assert backends.fork(ALICE, "words", "none", at=0).head == 0
    with pytest.raises(NotFoundError):
        backends.fork(ALICE, "words", "many", at=3)


def test_a_deleted_backend_is_gone_and_its_name_free(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    backend = backends.create(ALICE, "words")
    backends.delete(ALICE, "words")
    for ref in ("words", backend.id):
        with pytest.raises(NotFoundError):
            backends.show(ALICE, ref)
    assert backends.create(ALICE, "words").id != backend.id


def test_operations_are_listed_in_parts_and_by_vertex(platform: ServicePlatform) -> None:
    backends = platform.services.backends
    backends.create(ALICE, "words")
    tees = [AddVertex(vertex=name, transformation="tee") for name in "abc"]
    backends.append(ALICE, "words", [*tees, connect("a", "b"), connect("b", "c"), SetNote(vertex="b", note="n")])
    assert [record.seq for record in backends.operations(ALICE, "words", after=2, limit=2)] == [3, 4]
    assert [record.seq for record in backends.operations(ALICE, "words", vertex="b")] == [2, 4, 5, 6]
    assert [record.seq for record in backends.operations(ALICE, "words", vertex="b", after=2, limit=1)] == [4]


# Endpoints


def test_an_alias_has_a_url_at_once_and_keeps_it(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    backends = platform.services.backends
    [endpoint] = backends.endpoints(ALICE, "words")
    assert (endpoint.role, endpoint.vertex, endpoint.endpoint, endpoint.direction) == ("v-text", "v", "text", "ingress")
    assert endpoint.url.startswith(f"{GATEWAY}/f/")
    backends.append(ALICE, "words", [ChangeEndpointAlias(vertex="v", endpoint="text", role="other")])
    assert backends.endpoints(ALICE, "words")[0].url == endpoint.url
    backends.append(ALICE, "words", [ChangeEndpointAlias(vertex="v", endpoint="text", role=None)])
    assert backends.endpoints(ALICE, "words") == []
    backends.undo(ALICE, "words")
    assert backends.endpoints(ALICE, "words")[0].url == endpoint.url


def test_a_fork_and_a_rotation_have_other_urls(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    backends = platform.services.backends
    backends.fork(ALICE, "words", "letters")
    urls = {backends.endpoints(ALICE, name)[0].url for name in ("words", "letters")}
    backends.append(ALICE, "words", [RotateEndpoint(vertex="v", endpoint="text")])
    urls.add(backends.endpoints(ALICE, "words")[0].url)
    assert len(urls) == 3


# Documents

DOCUMENT = """
name: words
description: Shouts.
vertices:
  v: {component: shout@1, parameters: {marks: 3}, files: {names: names}}
  t: {transformation: tee}
edges: [v -> t]
aliases: {v.text: text}
"""


def test_a_document_makes_a_backend_and_is_what_it_exports(platform: ServicePlatform) -> None:
    platform.publish()
    platform.services.files.upload(ALICE, "names", "text", [b"a"])
    backends = platform.services.backends
    document = parse_document(DOCUMENT)
    answer = backends.apply(ALICE, "words", document)
    assert answer.created
    assert answer.backend_id == backends.show(ALICE, "words").backend.id
    exported = backends.export(ALICE, "words")
    assert exported.vertices["v"].component == "shout@1"
    assert exported.vertices["v"].files == {"names": "names"}
    again = backends.apply(ALICE, "words", exported)
    assert (again.created, again.operations, again.records) == (False, (), ())


def test_a_dry_run_says_what_would_be_appended_and_changes_nothing(platform: ServicePlatform) -> None:
    platform.publish()
    platform.services.files.upload(ALICE, "names", "text", [b"a"])
    backends, document = platform.services.backends, parse_document(DOCUMENT)
    planned = backends.apply(ALICE, "words", document, dry_run=True)
    assert (planned.backend_id, planned.created, planned.records) == (None, False, ())
    assert backends.list(ALICE) == []
    backends.create(ALICE, "words")
    assert backends.apply(ALICE, "words", document, dry_run=True).operations == planned.operations
    assert backends.operations(ALICE, "words") == []
    assert len(backends.apply(ALICE, "words", document).records) == len(planned.operations)


def test_a_document_that_does_not_fit_creates_nothing(platform: ServicePlatform) -> None:
    platform.publish()
    document = parse_document(DOCUMENT.replace("marks: 3", "marks: 0.5").replace(", files: {names: names}", ""))
    with pytest.raises(LiteralError):
        platform.services.backends.apply(ALICE, "words", document)
    assert platform.services.backends.list(ALICE) == []


def test_what_a_document_lacks_goes(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    answer = platform.services.backends.apply(ALICE, "words", parse_document("vertices: {t: {transformation: tee}}"))
    assert DeleteVertex(vertex="v") in answer.operations
    assert [vertex.name for vertex in platform.services.backends.show(ALICE, "words").vertices] == ["t"]


def test_diff_says_what_makes_one_graph_the_other(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    backends = platform.services.backends
    backends.fork(ALICE, "words", "letters")
    assert backends.diff(ALICE, "words", "letters") == []
    backends.append(ALICE, "letters", [ChangeParameter(vertex="v", name="marks", value="9")])
    assert backends.diff(ALICE, "words", "letters") == [ChangeParameter(vertex="v", name="marks", value="9")]


# Leases


def test_what_a_lease_owns_is_used_inside_it_only(platform: ServicePlatform) -> None:
    services = platform.services
    lease = services.leases.create(ALICE)
    version = platform.publish(lease=lease.id)
    file = services.files.upload(ALICE, "names", "text", [b"a"], lease.id)
    services.backends.create(ALICE, "outside")
    for operation in (AddVertex(vertex="v", component=version.id), AddVertex(vertex="v", component="shout")):
        with pytest.raises(LeaseOwnershipError):
            services.backends.append(ALICE, "outside", [operation])
    services.backends.create(ALICE, "inside", lease.id)
    services.backends.append(ALICE, "inside", [*shout_operations(), AddFile(vertex="v", slot="names", file=file.id)])


def test_outside_a_lease_a_name_passes_over_what_the_lease_owns(platform: ServicePlatform) -> None:
    services = platform.services
    lease = services.leases.create(ALICE)
    outside_version, outside_file = platform.publish(), services.files.upload(ALICE, "names", "text", [b"a"])
    platform.clock.advance(1)
    platform.publish(lease=lease.id)
    services.files.upload(ALICE, "names", "text", [b"b"], lease.id)
    services.backends.create(ALICE, "words")
    services.backends.append(ALICE, "words", [*shout_operations(), AddFile(vertex="v", slot="names", file="names")])
    [vertex] = services.backends.show(ALICE, "words").vertices
    assert (vertex.version_id, vertex.files["names"]) == (outside_version.id, outside_file.id)


def test_a_backend_of_a_lease_is_forked_inside_it_only(platform: ServicePlatform) -> None:
    lease = platform.services.leases.create(ALICE)
    platform.services.backends.create(ALICE, "words", lease.id)
    with pytest.raises(LeaseOwnershipError):
        platform.services.backends.fork(ALICE, "words", "letters")
    assert platform.services.backends.fork(ALICE, "words", "letters", lease=lease.id).lease_id == lease.id


def test_undo_does_not_bring_back_what_is_gone(platform: ServicePlatform) -> None:
    services = platform.services
    platform.publish()
    platform.backend()
    file = services.files.upload(ALICE, "names", "text", [b"a"])
    services.backends.append(ALICE, "words", [AddFile(vertex="v", slot="names", file=file.id)])
    services.backends.append(ALICE, "words", [RemoveFile(vertex="v", slot="names")])
    services.files.delete(ALICE, file.id)
    with pytest.raises(NotFoundError):
        services.backends.undo(ALICE, "words")
    assert services.backends.show(ALICE, "words").vertices[0].files == {}


def test_every_change_wakes_and_is_in_the_audit(platform: ServicePlatform) -> None:
    before = platform.services.wakeup.count
    platform.publish(SHOUT)
    backend = platform.backend()
    assert platform.services.wakeup.count > before
    events = platform.services.audit.list(ALICE, backend="words")
    assert [(event.type, event.actor) for event in events] == [("backend.created", "alice"), ("backend.changed", "alice")]
    assert events[1].data == {"surface": "test", "request_id": "request-1", "first": 1, "last": 2}
    assert {event.backend_id for event in events} == {backend.id}
