"""component.yml: what is read, what is filled in, what is refused and how it says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.domain.manifest import ComponentManifest, Endpoint, Parameter, parse_manifest
from pie_deploy.errors import ManifestError

WHOLE = """
name: tokenise
language: py
summary: Splits text into words.
tags: [text, nlp]
categories: [language]
worker:
  entry: src/main.py
  input_types: [String]
  output_types: ["[String]"]
  config_schema:
    lower: {type: Bool, default: "true", mutable: true, description: Lower case.}
    least: {type: Int64}
  file_schema:
    stopwords: {type: text, required: false}
  generated_file_schema:
    report: {type: text}
  resources: {cpu: 0.1, memory: 64MiB, gpu: 0, labels: [cpu]}
  stateful: true
http:
  text: {direction: ingress, transports: [http], type: String, into: 0, respond: counts, timeout: 5s, body_max: 1MiB}
"""


def worker(**fields: str) -> str:
    """A manifest with these lines in its worker."""
    lines = [f"  {name}: {value}" for name, value in fields.items()]
    return "\n".join(["name: x", "worker:", *lines]) if lines else "name: x"


def test_a_whole_manifest_is_read() -> None:
    manifest = parse_manifest(WHOLE)
    assert manifest.name == "tokenise"
    assert manifest.worker.config_schema["least"] == Parameter(type="Int64")
    assert manifest.http["text"].respond == "counts"
    assert manifest.worker.resources.memory == "64MiB"


def test_the_shortest_manifest_is_a_name() -> None:
    assert parse_manifest("name: x") == ComponentManifest(name="x")


@pytest.mark.parametrize(
    ("written", "literal", "kind"),
    [
        ("true", "true", "Bool"),
        ("12", "12", "Int64"),
        ("0.5", "0.5", "Double"),
        ("'\"a\"'", '"a"', "String"),
        ("'[1, 2]'", "[1, 2]", "'[Int64]'"),
    ],
)
def test_a_default_is_a_literal_and_numbers_and_truth_values_need_no_quotes(written: str, literal: str, kind: str) -> None:
    manifest = parse_manifest(worker(config_schema=f"{{p: {{type: {kind}, default: {written}}}}}"))
    assert manifest.worker.config_schema["p"].default == literal


def test_an_endpoint_has_the_type_of_the_position_that_it_feeds_or_shows() -> None:
    text = worker(input_types="['[Int64]']", output_types="[Image, Bool]")
    manifest = parse_manifest(
        f"{text}\nhttp:\n  i: {{direction: ingress, into: 0}}\n  o: {{direction: egress, of: 1}}\n  own: {{direction: ingress}}"
    )
    assert [endpoint.type for endpoint in manifest.http.values()] == ["[Int64]", "Bool", "String"]
    assert manifest.http["own"] == Endpoint(direction="ingress")


REFUSED: dict[str, tuple[str, str]] = {
    "empty": ("", "expected object, got null"),
    "a list": ("[]", "expected object, got array"),
    "no name": ("language: py", "object missing required field name"),
    "name": ("name: Tokenise", "name: expected str matching regex '^[a-z][a-z0-9_-]{0,62}$'"),
    "language": ("{name: x, language: cobol}", "language: invalid enum value 'cobol'"),
    "unknown field": (worker(input_type="String"), "worker: object contains unknown field input_type"),
    "field type": (worker(stateful="yes"), "worker.stateful: expected bool, got str"),
    "in a mapping": (
        worker(config_schema="{a: {type: Bool}, b: {type: 1}, c: {type: Bool}}"),
        "worker.config_schema.b.type: expected str, got int",
    ),
    "type syntax": (worker(input_types="['[String']"), "worker.input_types[0]: column 8: expected ']', found the end"),
    "unknown type": (
        worker(output_types="[Picture]"),
        "worker.output_types[0]: there is no type Picture; `pie type list` shows those that there are",
    ),
    "entry": (worker(entry="../main.py"), "worker.entry: '../main.py' is not a path inside the component"),
    "entry absolute": (worker(entry="/main.py"), "worker.entry: '/main.py' is not a path inside the component"),
    "entry empty": (worker(entry="''"), "worker.entry: '' is not a path inside the component"),
    "entry nul": (worker(entry='"a\\0b"'), "worker.entry: 'a\\x00b' is not a path inside the component"),
    "parameter name": (worker(config_schema="{a-b: {type: Bool}}"), "worker.config_schema: 'a-b' is not an identifier"),
    "parameter type": (
        worker(config_schema="{p: {type: '[t]'}}"),
        "worker.config_schema.p.type: [t] has a type variable; a parameter's type is known",
    ),
    "cpu": (worker(resources="{cpu: 0}"), "worker.resources.cpu: more than 0 and at most 1024 cores"),
    "cpu_max": (worker(resources="{cpu_max: -1}"), "worker.resources.cpu_max: more than 0 and at most 1024 cores"),
    "gpu": (worker(resources="{gpu: -1}"), "worker.resources.gpu: at least 0 and at most 64"),
    "memory unit": (
        worker(resources="{memory: 64 potatoes}"),
        "worker.resources.memory: '64 potatoes' is not an amount such as 64MiB or 1.5GB",
    ),
    "memory small": (worker(resources="{memory: 64B}"), "worker.resources.memory: 64B is too little"),
    "label": (worker(resources="{labels: [A b]}"), "worker.resources.labels: 'A b' does not match ^[a-z][a-z0-9_-]{0,62}$"),
    "command without argv": ("{name: x, language: command}", "worker.argv: a command has at least one word"),
    "argv without command": (worker(argv="[ls]"), "worker.argv: only language: command has argv and environment"),
    "port of argv": (
        "{name: x, language: command, worker: {argv: [a, '--port={port:web}']}}",
        "worker.argv[1]: {port:web}: there is no such endpoint",
    ),
    "parameter of environment": (
        "{name: x, language: command, worker: {argv: [a], environment: {A: '{work}{parameter:p}'}}}",
        "worker.environment.A: {parameter:p}: there is no such parameter",
    ),
    "environment": (
        "{name: x, language: command, worker: {argv: [a], environment: {PIE_CONTAINER: x}}}",
        "worker.environment: 'PIE_CONTAINER' cannot be set: not a name, or the platform's own",
    ),
    "inferlet": ("{name: x, language: inferlet}", "worker.inferlet: language: inferlet has it, the others have not"),
    "inferlet engine": (
        "{name: x, language: inferlet, worker: {inferlet: {program: a@1}}}",
        "worker.inferlet.engine: config_schema has no parameter engine of type String, the engine's URL",
    ),
    "into": ("{name: x, http: {e: {direction: ingress, into: 0}}}", "http.e.into: there is no input 0: there are 0"),
    "of": ("{name: x, http: {e: {direction: egress, of: -1}}}", "http.e.of: there is no output -1: there are 0"),
    "into of an egress": ("{name: x, http: {e: {direction: egress, into: 0}}}", "http.e.into: an egress shows an output (`of`)"),
    "socket responds": (
        "{name: x, http: {e: {direction: ingress, transports: [http, ws], respond: a}}}",
        "http.e.respond: a WebSocket waits for no answer; let callers listen at an egress with `ws`",
    ),
    "egress responds": ("{name: x, http: {e: {direction: egress, respond: a}}}", "http.e.respond: an egress does not respond"),
    "endpoint type": (
        "{name: x, worker: {input_types: [Int64]}, http: {e: {direction: ingress, type: String, into: 0}}}",
        "http.e.type: String is not the type of input 0, Int64",
    ),
    "ingress by sse": (
        "{name: x, http: {e: {direction: ingress, transports: [sse]}}}",
        "http.e.transports: nothing comes in by sse; it is for an egress",
    ),
    "transports": (
        "{name: x, http: {e: {direction: ingress, transports: []}}}",
        "http.e.transports: each one once, and at least one",
    ),
    "endpoint name": ("{name: x, http: {E: {direction: ingress}}}", "http: 'E' does not match ^[a-z][a-z0-9_-]{0,62}$"),
    "timeout": (
        "{name: x, http: {e: {direction: ingress, timeout: soon}}}",
        "http.e.timeout: 'soon' is not a duration such as 90m, 1h30m, 45s or 300ms",
    ),
    "timeout long": ("{name: x, http: {e: {direction: ingress, timeout: 9000h}}}", "http.e.timeout: 9000h is too much"),
    "body": ("{name: x, http: {e: {direction: ingress, body_max: 2GiB}}}", "http.e.body_max: 2GiB is too much"),
    "too many inputs": (worker(input_types=f"[{', '.join(['Bool'] * 65)}]"), "worker.input_types: at most 64; there are 65"),
    "tag": ("{name: x, tags: ['<script>']}", "tags: '<script>' is not a word"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_refused_with_its_field(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(text)
    assert refusal.value.message == f"component.yml: {message}"


def test_a_default_without_its_quotes_is_refused_with_the_remedy() -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(worker(config_schema="{p: {type: String, default: hello}}"))
    assert refusal.value.message.startswith("component.yml: worker.config_schema.p.default: column 1: ")
    assert refusal.value.message.endswith("a String's literal has quotes of its own: '\"text\"'")


def test_a_name_does_not_end_with_a_newline() -> None:
    with pytest.raises(ManifestError, match="name"):
        parse_manifest('name: "x\\n"')


def test_every_fault_is_listed() -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(worker(input_types="[Nix]", output_types="[Nox]", resources="{cpu: -1}"))
    assert [detail.subject for detail in refusal.value.details] == [
        "worker.input_types[0]",
        "worker.output_types[0]",
        "worker.resources.cpu",
    ]
    assert refusal.value.message.endswith("(and 2 more)")


def test_faults_are_listed_up_to_a_bound() -> None:
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(worker(input_types=f"[{', '.join(['Nix'] * 5000)}]"))
    assert len(refusal.value.details) == 1000


@pytest.mark.parametrize("word", ["name", "worker", "http", "config_schema", "into", "default", "type", "transports"])
@given(value=st.sampled_from(["1", "[]", "{}", "null", "text", "[[1]]", "{a: {b: c}}", "-1", "1e400", "1e-400", "true"]))
def test_a_field_of_any_kind_is_refused_or_read(word: str, value: str) -> None:
    text = WHOLE.replace(f"{word}:", f"{word}: {value}\nx:", 1)
    try:
        parse_manifest(text)
    except ManifestError as refusal:
        assert refusal.message.startswith("component.yml")
