import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_wire.errors import ManifestError, ProgramIdError
from pie_wire.manifest import Parameter, ProgramId, parse

SMALLEST = '[package]\nname = "hello"\nversion = "0.1.0"\n'


def test_the_smallest_manifest_has_a_name_and_a_version() -> None:
    manifest = parse(SMALLEST)
    assert str(manifest.id) == "hello@0.1.0"
    assert (manifest.runtime, manifest.parameters, manifest.dependencies) == ({}, {}, {})


def test_every_field_of_the_package_is_read() -> None:
    text = SMALLEST + 'description = "d"\nauthors = ["A", "B"]\nrepository = "r"\nreadme = "R"\nkeywords = ["k"]\n'
    package = parse(text).package
    assert (package.description, package.authors, package.repository) == ("d", ("A", "B"), "r")
    assert (package.readme, package.keywords) == ("R", ("k",))


def test_runtime_parameters_and_dependencies_are_read() -> None:
    manifest = parse(
        SMALLEST + '[runtime]\ncore = "^0.2.0"\n'
        '[parameters]\nn = { type = "int", optional = true, description = "how many" }\n'
        '[dependencies]\nother = "1.2.3"\n'
    )
    assert manifest.runtime == {"core": "^0.2.0"}
    assert manifest.parameters == {"n": Parameter("int", optional=True, description="how many")}
    assert manifest.dependencies == {"other": "1.2.3"}


def test_unknown_tables_and_fields_are_ignored() -> None:
    assert parse(SMALLEST + 'edition = "next"\n[workspace]\nx = 1\n') == parse(SMALLEST)


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("", "package", "is missing"),
        ("package = 1", "package", "must be a table"),
        ('[package]\nversion = "1.0.0"', "package.name", "is missing"),
        ('[package]\nname = "a"', "package.version", "is missing"),
        ('[package]\nname = 3\nversion = "1.0.0"', "package.name", "must be text, not a whole number"),
        (SMALLEST + "authors = ['x', 2]", "package.authors[1]", "must be text"),
        ('[package]\nname = "a"\nversion = "1.0"', "package.version", "major.minor.patch"),
        ('[package]\nname = "a"\nversion = "1.0.0-rc1"', "package.version", "major.minor.patch"),
        (SMALLEST + "[runtime]\ncore = 1", "runtime.core", "must be text"),
        (SMALLEST + '[parameters]\nn = "int"', "parameters.n", "must be a table"),
        (SMALLEST + "[parameters]\nn = { optional = true }", "parameters.n.type", "is missing"),
        (SMALLEST + '[parameters]\nn = { type = "integer" }', "parameters.n.type", "'int'"),
        (SMALLEST + '[parameters]\nn = { type = "Int" }', "parameters.n.type", "'int'"),
        (SMALLEST + '[parameters]\nn = { type = "int", optional = 1 }', "parameters.n.optional", "true or false"),
        (SMALLEST + '[dependencies]\nother = "^1.0.0"', "dependencies.other", "major.minor.patch"),
        (SMALLEST + '[dependencies]\n"../x" = "1.0.0"', "dependencies.../x", "letters, digits"),
        ("[package", "", "not valid TOML"),
        ("a = " + "[" * 50_000, "", "nested too deeply"),
        ("#" * (1 << 21), "", "longer than"),
    ],
)
def test_an_error_names_the_key_and_the_problem(text: str, path: str, problem: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text)
    assert caught.value.path == path
    assert problem in str(caught.value)


@pytest.mark.parametrize("name", ["../up", "a/b", "..", "", ".hidden", "a\\b", "-a", "a b", "a@1", "ä", "a" * 101, "a\\n"])
def test_a_name_that_is_no_safe_file_name_is_refused(name: str) -> None:
    with pytest.raises(ManifestError, match=r"package\.name"):
        parse(f"[package]\nname = {name!r}\nversion = '1.0.0'".replace("'a\\\\n'", '"a\\n"'))


def test_a_program_id_is_a_name_and_a_version() -> None:
    assert ProgramId.parse("my_prog-2@1.20.3") == ProgramId("my_prog-2", "1.20.3")


def test_a_program_of_a_registry_may_stand_below_its_owner() -> None:
    assert ProgramId.parse("alice/my_prog@1.2.3") == ProgramId("alice/my_prog", "1.2.3")


@pytest.mark.parametrize("text", ["/a@1.0.0", "a/@1.0.0", "a/b/c@1.0.0", "../a@1.0.0", "a/..@1.0.0", ".a/b@1.0.0", "a//b@1.0.0"])
def test_a_slash_leads_nowhere_else(text: str) -> None:
    with pytest.raises(ProgramIdError):
        ProgramId.parse(text)


@pytest.mark.parametrize(
    "text", ["a", "a@latest", "a@1.0", "a@1.0.0-rc1", "a@1.0.0+b", "@1.0.0", "a@@1.0.0", "../a@1.0.0", "a@1.0.0\n", "a@١.0.0"]
)
def test_anything_else_is_no_program_id(text: str) -> None:
    with pytest.raises(ProgramIdError, match=r"expected 'name@major\.minor\.patch'"):
        ProgramId.parse(text)


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", fullmatch=True),
    st.tuples(*[st.integers(0, 10**9)] * 3),
)
def test_a_printed_id_reads_back_as_itself(name: str, numbers: tuple[int, int, int]) -> None:
    identifier = ProgramId(name, ".".join(map(str, numbers)))
    assert ProgramId.parse(str(identifier)) == identifier
