"""`pie backend apply` and `export`."""

from pathlib import Path

import cli_rows as rows
import pytest
from blake3 import blake3
from cli_fakes import FakeApi, run
from msgspec.structs import replace

from pie_deploy.cli.component.packing import pack
from pie_deploy.cli.component.starting import make
from pie_deploy.domain.document import GraphDocument, VertexDocument
from pie_deploy.domain.operations import AddVertex
from pie_deploy.errors import Detail
from pie_deploy.services.views import AppliedDocument, BackendView, VertexView

APPLY = "/v1/backends/words/apply"
DOCUMENT = """\
name: words
vertices:
  shout: {component: ./shout, parameters: {mark: '"?"'}}
  count: {component: count@3}
edges: [shout -> count]
"""
APPLIED = AppliedDocument(
    backend_id="b-1",
    created=True,
    operations=(AddVertex(vertex="shout", component="cv-new"),),
    records=(rows.record(1, AddVertex(vertex="shout", component="cv-new")),),
    names={"cv-new": "shout@1"},
)
EMPTY = BackendView(backend=rows.backend("words"), vertices=(), edges=(), aliases=())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A document beside the folder that it mentions."""
    make("shout", tmp_path / "shout", "py")
    path = tmp_path / "backend.yml"
    path.write_text(DOCUMENT)
    return path


@pytest.fixture(autouse=True)
def _answers(api: FakeApi) -> None:
    api.on_items("/v1/components")
    api.on("POST", "/v1/components", rows.version("shout", id="cv-new"))
    api.on("GET", "/v1/components/count@3", rows.version("count", id="cv-count"))
    api.on("POST", APPLY, APPLIED)
    api.refuse("GET", "/v1/backends/words", 404, "not_found", "there is none")


def paths(api: FakeApi) -> list[str]:
    return [f"{asked.method} {asked.path}" for asked in api.asked]


def test_a_new_folder_is_published_first(api: FakeApi, file: Path) -> None:
    ran = run("backend", "apply", file)
    assert ran.code == 0
    assert ran.err == "pie: published ./shout as shout@1\n"
    assert ran.out == "✓ words is made (b-1)\n✓ 1  add-vertex shout: shout@1\n"
    assert paths(api) == ["GET /v1/components", "POST /v1/components", f"POST {APPLY}"]
    document = api.asked[-1].json["document"]
    assert [vertex["component"] for vertex in document["vertices"].values()] == ["cv-new", "count@3"]


def test_a_folder_whose_content_is_known_is_not(api: FakeApi, file: Path) -> None:
    known = rows.version("shout", id="cv-old", content_hash=blake3(pack(file.parent / "shout")).hexdigest())
    api.on_items("/v1/components", rows.version("shout", id="cv-other"), known)
    assert run("backend", "apply", file).err == ""
    assert "POST /v1/components" not in paths(api)
    assert api.asked[-1].json["document"]["vertices"]["shout"]["component"] == "cv-old"


def test_what_belongs_to_a_lease_is_no_use_outside_of_it(api: FakeApi, file: Path) -> None:
    digest = blake3(pack(file.parent / "shout")).hexdigest()
    api.on_items("/v1/components", rows.version("shout", content_hash=digest, lease_id="l-1"))
    run("backend", "apply", file)
    assert "POST /v1/components" in paths(api)
    run("backend", "apply", file, "--lease", "l-1")
    assert paths(api).count("POST /v1/components") == 1
    assert api.asked[-1].json["lease"] == "l-1"


def test_one_folder_for_two_vertices_is_published_once(api: FakeApi, file: Path) -> None:
    file.write_text("name: words\nvertices:\n  a: {component: ./shout}\n  b: {component: ./shout}\n")
    run("backend", "apply", file)
    assert paths(api).count("POST /v1/components") == 1


def test_the_backend_may_be_another_one_than_the_file_says(api: FakeApi, file: Path) -> None:
    api.on("POST", "/v1/backends/staging/apply", APPLIED)
    assert run("backend", "apply", file, "--name", "staging").code == 0
    assert api.asked[-1].json["document"]["name"] == "staging"


def test_a_file_without_a_name_wants_one(api: FakeApi, file: Path) -> None:
    file.write_text("vertices: {}\n")
    ran = run("backend", "apply", file)
    assert (ran.code, ran.err) == (2, f"pie: {file} names no backend; say which with --name\n")


def test_a_folder_stands_for_the_backend_yml_in_it(api: FakeApi, file: Path) -> None:
    assert run("backend", "apply", file.parent).code == 0
    assert run("backend", "apply", file.parent / "shout").err.endswith(
        "/shout/backend.yml: cannot be read: No such file or directory\n"
    )


def test_when_nothing_is_missing_that_is_said(api: FakeApi, file: Path) -> None:
    api.on("POST", APPLY, AppliedDocument(backend_id="b-1", created=False, operations=()))
    assert run("backend", "apply", file).err.endswith("pie: words is what the file says\n")


def test_a_dry_run_publishes_nothing_and_shows_what_would_be(api: FakeApi, file: Path) -> None:
    ran = run("backend", "apply", file, "--dry-run")
    assert ran.code == 0
    assert ran.out == (
        "✓ words would be made\n"
        '  add-vertex shout: ./shout (to be published) mark="?"\n'
        "  add-vertex count: count@1\n"
        "  connect shout.out0 -> count.in0\n"
    )
    assert not any(path.startswith("POST") for path in paths(api))


def test_a_dry_run_knows_what_is_there(api: FakeApi, file: Path) -> None:
    api.on("GET", "/v1/components/cv-old", rows.version("shout"))
    there = VertexView(name="shout", component="shout@1", version_id="cv-old", parameters={"mark": '"?"'})
    api.on("GET", "/v1/backends/words", BackendView(backend=rows.backend("words"), vertices=(there,), edges=(), aliases=()))
    assert run("backend", "apply", file, "--dry-run").out == (
        "  change-version shout: ./shout (to be published)\n  add-vertex count: count@1\n  connect shout.out0 -> count.in0\n"
    )


def test_a_dry_run_says_what_the_platform_would_refuse(api: FakeApi, file: Path) -> None:
    file.write_text(DOCUMENT.replace("mark", "mrak"))
    ran = run("backend", "apply", file, "--dry-run")
    assert ran.code == 3
    assert ran.err == f"pie: {file}: vertex shout has no parameter 'mrak'\n  did you mean mark? there is mark\n"


def test_what_keeps_the_graph_from_being_deployed_is_told_at_once(api: FakeApi, file: Path) -> None:
    assert (
        "pie: words could not be deployed like this:\n  - input 0 of vertex shout" in run("backend", "apply", file, "--dry-run").err
    )
    problem = Detail(code="graph_incomplete", message="the cycle a -> b -> a does not go through a delay_one")
    api.on("POST", APPLY, replace(APPLIED, problems=(problem,)))
    assert f"pie: words cannot be deployed like this:\n  - {problem.message}\n" in run("backend", "apply", file).err


def test_a_dry_run_with_nothing_new_is_the_platforms(api: FakeApi, file: Path) -> None:
    file.write_text("name: words\nvertices:\n  count: {component: count@3}\n")
    assert run("backend", "apply", file, "--dry-run").code == 0
    assert api.asked[-1].json["dry_run"] is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: Words", "name"),
        ("name: words\nvertices: {a: {component: ./nothing}}", "a component is a folder with a component.yml"),
        ("name: words\nedges: [a b]", "edges[0]"),
        ("name: [", "backend.yml"),
    ],
    ids=["name", "folder", "edge", "yaml"],
)
def test_a_bad_file_is_refused_with_what_is_wrong(api: FakeApi, file: Path, text: str, message: str) -> None:
    file.write_text(text)
    ran = run("backend", "apply", file)
    assert ran.code in (2, 3)
    assert message in ran.err
    assert "POST" not in "".join(paths(api))


def test_a_file_that_is_not_there_is_named(api: FakeApi, tmp_path: Path) -> None:
    assert run("backend", "apply", tmp_path / "none.yml").err.startswith(f"pie: {tmp_path}/none.yml: cannot be read: No such file")


def test_export_prints_what_apply_reads(api: FakeApi, tmp_path: Path) -> None:
    vertices = {"count": VertexDocument(component="count@3", parameters={"top": 5})}
    document = GraphDocument(name="words", description="Counts.", vertices=vertices, aliases={"count.text": "text"})
    api.on("GET", "/v1/backends/words/export", document)
    path = tmp_path / "exported.yml"
    path.write_text(run("backend", "export", "words").out)
    run("backend", "apply", path)
    assert api.asked[-1].json["document"] == {
        "name": "words",
        "description": "Counts.",
        "vertices": {"count": {"component": "count@3", "parameters": {"top": 5}}},
        "aliases": {"count.text": "text"},
    }


def test_export_writes_a_file(api: FakeApi, tmp_path: Path) -> None:
    api.on("GET", "/v1/backends/words/export", GraphDocument(name="words"))
    ran = run("backend", "export", "words", "-o", tmp_path / "words.yml")
    assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "words.yml").read_text() == "name: words\n"
