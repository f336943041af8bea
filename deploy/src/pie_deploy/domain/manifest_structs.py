"""The structs of a component manifest, as `component.yml` has them. `pie_deploy.domain.manifest` says what they mean together."""

from typing import Annotated, Literal

import msgspec

from pie_flow.container import Direction, Transport

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
NAME_RULE = "a name has lower-case letters, digits, '-' and '_', begins with a letter, and has at most 63 characters"
Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
Language = Literal["py", "inferlet", "command"]


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Parameter(_Struct, frozen=True, kw_only=True):
    type: str
    default: str | None = None
    """A literal. None: the vertex must be given a value."""
    mutable: bool = False
    description: str = ""


class FileSlot(_Struct, frozen=True, kw_only=True):
    type: str = "any"
    """Accepts files of this `file_type`; "any" accepts all."""
    required: bool = True
    mutable: bool = False
    description: str = ""


class GeneratedFile(_Struct, frozen=True, kw_only=True):
    type: str = "any"
    description: str = ""


class Resources(_Struct, frozen=True, kw_only=True):
    cpu: float = 0.1
    """Cores that are kept for it: it gets them when all want some."""
    cpu_max: float | None = None
    """Cores that it never exceeds; None: it may use what is idle."""
    memory: str = "256MiB"
    """With a unit: B, KiB, MiB, GiB, KB, MB, GB."""
    gpu: int = 0
    labels: tuple[str, ...] = ()
    """The runtime's class must have them all."""


class Endpoint(_Struct, frozen=True, kw_only=True):
    direction: Direction
    transports: tuple[Transport, ...] = ("http",)
    type: str = "String"
    into: int | None = None
    """Ingress: the input position whose values it brings."""
    of: int | None = None
    """Egress: the output position whose values it shows."""
    respond: str | None = None
    """Ingress: name of the egress endpoint, of any vertex of the graph, whose value with the request's correlation id is the
    answer.
    """
    timeout: str = "30s"
    """Of a request, Go duration syntax."""
    body_max: str = "16MiB"
    description: str = ""


class InferletBinding(_Struct, frozen=True, kw_only=True):
    program: str
    """`name@version`, or the path of a `.wasm` in the component."""
    engine: str | None = None
    """Name of the parameter with the engine's URL (default `engine`); its value may be `vertex://NAME/ENDPOINT` of the same graph.
    """


class Worker(_Struct, frozen=True, kw_only=True):
    entry: str = "src/main.py"
    argv: tuple[str, ...] = ()
    """The command, for `language: command`."""
    environment: dict[str, str] = {}
    inferlet: InferletBinding | None = None
    input_types: tuple[str, ...] = ()
    output_types: tuple[str, ...] = ()
    config_schema: dict[str, Parameter] = {}
    file_schema: dict[str, FileSlot] = {}
    generated_file_schema: dict[str, GeneratedFile] = {}
    resources: Resources = Resources()
    stateful: bool = False
    finite: bool = False
    """Whether exit code 0 is an end, not a crash."""
    network: bool = False
    """Whether it talks to the world by itself. A sandbox leaves others only their edges and endpoints."""


class ComponentManifest(_Struct, frozen=True, kw_only=True):
    name: Name
    language: Language = "py"
    summary: str = ""
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    worker: Worker = Worker()
    http: dict[str, Endpoint] = {}
