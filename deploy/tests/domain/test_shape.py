"""What a vertex offers."""

import pytest
from graph_fixtures import PARSED, known_shapes, manifest_of

from pie_deploy.domain.graph import ComponentSource, TransformationSource
from pie_deploy.domain.manifest import ComponentManifest, Parameter, Worker
from pie_deploy.domain.shape import component_shape, shape_of, shapes_from
from pie_deploy.errors import LiteralError, ManifestError, NotFoundError


def test_a_component_offers_what_its_manifest_says() -> None:
    shape = shape_of(ComponentSource("cv-tokenise"), {}, manifest_of)
    assert ([*map(str, shape.inputs)], [*map(str, shape.outputs)]) == (["String"], ["[String]"])
    assert set(shape.parameters) == {"lower", "separator"}
    assert set(shape.endpoints) == {"text"}
    assert shape.manifest is PARSED["cv-tokenise"]


def test_a_transformation_offers_what_its_parameters_make_of_it() -> None:
    shape = shape_of(TransformationSource("constant"), {"type": '"Int64"', "value": "1"}, manifest_of)
    assert [*map(str, shape.outputs)] == ["Int64"]
    assert shape.parameters["value"] == Parameter(type="Int64", mutable=True, description=shape.parameters["value"].description)
    assert shape.manifest is None


def test_a_shape_is_made_once() -> None:
    asked: list[str] = []

    def manifests(version_id: str) -> ComponentManifest:
        asked.append(version_id)
        return manifest_of(version_id)

    shapes = shapes_from(manifests)
    assert shapes(ComponentSource("cv-count"), {"least": "1"}) is shapes(ComponentSource("cv-count"), {})
    assert shapes(TransformationSource("tee"), {"size": "3"}) is shapes(TransformationSource("tee"), {"size": "3"})
    assert asked == ["cv-count"]


def test_a_version_that_was_not_there_may_come() -> None:
    manifests: dict[str, ComponentManifest] = {}

    def manifest(version_id: str) -> ComponentManifest:
        if version_id not in manifests:
            raise NotFoundError(version_id)
        return manifests[version_id]

    shapes = shapes_from(manifest)
    with pytest.raises(NotFoundError):
        shapes(ComponentSource("cv-new"), {})
    manifests["cv-new"] = ComponentManifest(name="new")
    assert shapes(ComponentSource("cv-new"), {}).manifest is manifests["cv-new"]


def test_a_long_parameter_is_not_kept() -> None:
    shapes = known_shapes()
    parameters = {"type": '"String"', "value": f'"{"x" * 10_000}"'}
    assert shapes(TransformationSource("constant"), parameters) is not shapes(TransformationSource("constant"), parameters)


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(NotFoundError, match=r"^there is no transformation 'spin'$"):
        shape_of(TransformationSource("spin"), {}, manifest_of)
    with pytest.raises(LiteralError, match=r"^tee: parameter size: "):
        shape_of(TransformationSource("tee"), {"size": '"two"'}, manifest_of)
    with pytest.raises(ManifestError, match=r"^component old: there is no type Gone"):
        component_shape(ComponentManifest(name="old", worker=Worker(input_types=("Gone",))))
