"""The graphs of the examples: their manifests and documents are read, their types unify, nothing is missing but files."""

from pathlib import Path

import pytest

from pie_deploy.domain.completeness import problems
from pie_deploy.domain.document import changes, document_of, parse_document, print_document
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.manifest import ComponentManifest, parse_manifest
from pie_deploy.domain.shape import shapes_from

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/backend.yml"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_graph_that_can_be_deployed(name: str) -> None:
    folder = EXAMPLES / name

    def manifest(reference: str) -> ComponentManifest:
        return parse_manifest((folder / reference / "component.yml").read_bytes())

    document = parse_document((folder / "backend.yml").read_bytes())
    head = Head(shapes_from(manifest))
    head.apply(changes(Graph(), document))
    assert problems(head.graph(), head.shapes) == []
    assert changes(head.graph(), parse_document(print_document(document_of(head.graph(), name)))) == []
