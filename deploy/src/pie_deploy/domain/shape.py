"""What a vertex offers: from its component version's manifest, or from its transformation and that one's parameters."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from pie_deploy.domain.graph import ComponentSource, Shape, Source
from pie_deploy.domain.manifest import ComponentManifest, Parameter
from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import LiteralError, ManifestError, NotFoundError
from pie_deploy.limits import SHAPE_KEY_CHARACTERS_MAX, SHAPES_KEPT_MAX
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError
from pie_flow.transformations import TRANSFORMATIONS, ParameterInfo

Shapes = Callable[[Source, Mapping[str, str]], Shape]
"""The shape of what a vertex runs, given its parameters. Raises NotFoundError, ManifestError, LiteralError."""

Manifests = Callable[[str], ComponentManifest]
"""The manifest of a component version, by id. Raises NotFoundError. A version's manifest never changes."""


def shape_of(source: Source, parameters: Mapping[str, str], manifests: Manifests) -> Shape:
    """What a vertex with that source and those parameters offers.

    A component's shape does not depend on its parameters. Raises NotFoundError, ManifestError, and LiteralError when a
    transformation cannot be made of the parameters.
    """
    if isinstance(source, ComponentSource):
        return component_shape(manifests(source.version_id))
    return transformation_shape(source.name, parameters)


def component_shape(manifest: ComponentManifest) -> Shape:
    """Of a manifest that `parse_manifest` accepted. Raises ManifestError for one that only an older platform would have."""
    worker = manifest.worker
    try:
        inputs, outputs = tuple(map(CATALOGUE.parse, worker.input_types)), tuple(map(CATALOGUE.parse, worker.output_types))
    except FlowError as error:
        raise ManifestError(f"component {manifest.name}: {error}") from error
    return Shape(inputs, outputs, worker.config_schema, worker.file_schema, manifest.http, manifest)


def transformation_shape(name: str, parameters: Mapping[str, str]) -> Shape:
    transformation = TRANSFORMATIONS.get(name)
    if transformation is None:
        raise NotFoundError(f"there is no transformation {name[:80]!r}", hint=hint(name, sorted(TRANSFORMATIONS)))
    try:
        signature = transformation.signature(parameters)
    except FlowError as error:
        raise LiteralError(str(error)) from error
    declared = {name: _parameter(info) for name, info in signature.parameters.items()}
    return Shape(signature.inputs, signature.outputs, declared, files={}, endpoints={}, manifest=None)


def shapes_from(manifests: Manifests) -> Shapes:
    """Shapes by way of `shape_of`, each made once."""

    @lru_cache(maxsize=SHAPES_KEPT_MAX)
    def of_component(version_id: str) -> Shape:
        return component_shape(manifests(version_id))

    @lru_cache(maxsize=SHAPES_KEPT_MAX)
    def of_transformation(name: str, parameters: frozenset[tuple[str, str]]) -> Shape:
        return transformation_shape(name, dict(parameters))

    def shapes(source: Source, parameters: Mapping[str, str]) -> Shape:
        if isinstance(source, ComponentSource):
            return of_component(source.version_id)
        if sum(map(len, parameters.values())) > SHAPE_KEY_CHARACTERS_MAX:
            return transformation_shape(source.name, parameters)
        return of_transformation(source.name, frozenset(parameters.items()))

    return shapes


def _parameter(info: ParameterInfo) -> Parameter:
    return Parameter(type=info.type, default=info.default, mutable=info.mutable, description=info.description)
