"""Component versions and shapes for tests about graphs."""

from collections.abc import Mapping

from pie_deploy.domain.graph import Edge, Graph, Slot
from pie_deploy.domain.head import Head
from pie_deploy.domain.log import Stamp
from pie_deploy.domain.manifest import ComponentManifest, parse_manifest
from pie_deploy.domain.operations import AddVertex, Connect, Input, Operation, Output
from pie_deploy.domain.shape import Shapes, shapes_from
from pie_deploy.errors import NotFoundError

STAMP = Stamp(actor="ada", at_ns=1, surface="test", request_id="q1")

MANIFESTS: Mapping[str, str] = {
    "cv-tokenise": """
name: tokenise
worker:
  input_types: [String]
  output_types: ["[String]"]
  config_schema:
    lower: {type: Bool, default: true, mutable: true}
    separator: {type: String, default: '" "'}
  file_schema:
    stopwords: {type: text, required: false, mutable: true}
    words: {type: text, required: false}
http:
  text: {direction: ingress, transports: [http], into: 0, respond: counts}
""",
    "cv-tokenise-2": """
name: tokenise
worker:
  input_types: [String]
  output_types: ["[String]", Int64]
  config_schema:
    lower: {type: Bool, default: true, mutable: true}
  file_schema:
    stopwords: {type: text, required: false, mutable: true}
http:
  text: {direction: ingress, transports: [http], into: 0, respond: counts}
""",
    "cv-tokenise-3": """
name: tokenise
worker: {input_types: [Bytes], output_types: [Bytes]}
""",
    "cv-count": """
name: count
worker:
  input_types: ["[String]"]
  output_types: ["[{word: String, count: Int64}]"]
  config_schema:
    least: {type: Int64}
    most: {type: Int64, default: 100}
http:
  counts: {direction: egress, transports: [http, sse], of: 0}
""",
    "cv-source": """
name: source
worker: {output_types: [String, Int64, Image, Int32]}
""",
    "cv-sink": """
name: sink
worker: {input_types: [String, Int64, "[BoundingBox]", "{width: UInt32, height: UInt32, format: PixelFormat, data: Bytes}"]}
""",
    "cv-pass": "{name: pass, worker: {input_types: [t], output_types: [t]}}",
    "cv-list": "{name: list, worker: {input_types: [t], output_types: ['[t]']}}",
    "cv-both": "{name: both, worker: {input_types: [t, t], output_types: ['(t, t)']}}",
    "cv-number": "{name: number, worker: {input_types: [Int64], output_types: [Int64]}}",
    "cv-weights": """
name: weights
worker:
  file_schema:
    model: {type: weights}
""",
    "cv-port": """
name: server
language: command
worker: {argv: [server, "{port:web}"]}
http:
  web: {direction: ingress, transports: [http]}
""",
}

PARSED: Mapping[str, ComponentManifest] = {version_id: parse_manifest(text) for version_id, text in MANIFESTS.items()}


def manifest_of(version_id: str) -> ComponentManifest:
    if version_id not in PARSED:
        raise NotFoundError(f"there is no component version {version_id}")
    return PARSED[version_id]


def known_shapes() -> Shapes:
    return shapes_from(manifest_of)


def file_type(file_id: str) -> str | None:
    return {"f-text": "text", "f-more": "text", "f-weights": "weights"}.get(file_id)


def new_head(*operations: Operation) -> Head:
    head = Head(known_shapes(), files=file_type)
    if operations:
        head.apply(operations)
    return head


def add(vertex: str, component: str, **parameters: str) -> AddVertex:
    return AddVertex(vertex=vertex, component=component, parameters=parameters)


def transform(vertex: str, transformation: str, **parameters: str) -> AddVertex:
    return AddVertex(vertex=vertex, transformation=transformation, parameters=parameters)


def wire(text: str) -> Connect:
    """`a.0 b.1` connects output 0 of a to input 1 of b."""
    output, input_ = (end.rsplit(".", 1) for end in text.split())
    return Connect(output=Output(output[0], int(output[1])), input=Input(input_[0], int(input_[1])))


def edge(text: str) -> Edge:
    connect = wire(text)
    return Edge(Slot(connect.output.vertex, connect.output.position), Slot(connect.input.vertex, connect.input.position))


def wordcount() -> list[Operation]:
    return [add("tokenise", "cv-tokenise"), add("count", "cv-count", least="1"), wire("tokenise.0 count.0")]


def wordcount_graph() -> Graph:
    return new_head(*wordcount()).graph()
