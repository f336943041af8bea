"""What a container is told when it starts: `spec.json` in its folder, whose path stands in the environment variable
`PIE_CONTAINER`.

The controller writes it, the launcher makes the process, `pie_component` reads it. Types and parameter values travel as text
(`pie_flow.parse`, `pie_flow.literals`): there is one notation.
"""

from typing import Literal

import msgspec

SPEC_VARIABLE = "PIE_CONTAINER"
"""Environment variable with the path of the spec. Also marks every process that belongs to a container."""

Direction = Literal["ingress", "egress"]
Transport = Literal["http", "ws", "sse"]


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class PythonProgram(_Struct, frozen=True, kw_only=True, tag="py", tag_field="language"):
    entry: str
    """Path of the module to run as `__main__`, inside `component_folder`."""


class CommandProgram(_Struct, frozen=True, kw_only=True, tag="command", tag_field="language"):
    argv: tuple[str, ...]
    """The command; `{port:NAME}`, `{parameter:NAME}`, `{file:SLOT}`, `{work}` and `{cache}` in it are already replaced."""
    environment: dict[str, str] = {}


class InferletProgram(_Struct, frozen=True, kw_only=True, tag="inferlet", tag_field="language"):
    program: str
    """`name@version` as the engine resolves it, or the path of a `.wasm` inside `component_folder` (its `Pie.toml` beside it)."""
    engine: str
    """URL of the engine, `ws://…`."""
    api_key_file: str | None = None


class TransformationProgram(_Struct, frozen=True, kw_only=True, tag="transformation", tag_field="language"):
    name: str


Program = PythonProgram | CommandProgram | InferletProgram | TransformationProgram


class InputSpec(_Struct, frozen=True, kw_only=True):
    type: str
    address: str | None
    """Where this container listens for the edge (`ipc://…`); None: only an endpoint feeds the input."""


class OutputSpec(_Struct, frozen=True, kw_only=True):
    type: str
    addresses: tuple[str, ...]
    """Where the consumers listen, one per edge."""


class EndpointSpec(_Struct, frozen=True, kw_only=True):
    name: str
    direction: Direction
    transports: tuple[Transport, ...]
    type: str
    """Of the values that go in or come out."""
    into: int | None = None
    """Ingress: the input position that the values feed. None: the component handles requests itself."""
    of: int | None = None
    """Egress: the output position whose values come out. None: the component emits by itself."""
    respond: bool = False
    """Ingress: the request waits for a value with its correlation id at an egress. Else it is answered 202."""


class ParameterSpec(_Struct, frozen=True, kw_only=True):
    type: str
    value: str
    """A literal."""
    mutable: bool = False


class ContainerSpec(_Struct, frozen=True, kw_only=True):
    container_id: str
    deployment_id: str
    vertex: str
    generation: int
    """Of the deployment: redeploy adds one."""
    secret: str
    """Proves to the control plane who is speaking."""
    program: Program
    component_folder: str | None
    """The unpacked component version, read only. None: a transformation."""
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    endpoints: tuple[EndpointSpec, ...] = ()
    endpoint_address: str | None = None
    """Where the container listens for the gateway (`ipc://…`), if it has endpoints and they are not ports of a command."""
    ports: dict[str, int] = {}
    """Loopback ports of a command's endpoints, by endpoint name."""
    control_address: str | None
    """Where the control plane listens (`ipc://…`). None: nobody controls it (the local harness)."""
    parameters: dict[str, ParameterSpec] = {}
    config_seq: int = 0
    """Sequence number of the operation that the parameter values and files reflect."""
    files: dict[str, str] = {}
    """Path by slot."""
    mutable_files: tuple[str, ...] = ()
    work_folder: str
    """The container's own, survives its restarts, goes with the deployment."""
    generated_folder: str
    """Generated files, `<slot>` or `<slot>/…`, saved when the deployment goes."""
    cache_folder: str
    """Of the component, survives deployments."""
    stateful: bool = False
    finite: bool = False
    """Whether a clean exit is an end, not a crash."""
    debug: bool = False
    network: bool = False
    """Whether a sandbox leaves it the network. Ports and an engine need it anyway."""


def encode(spec: ContainerSpec) -> bytes:
    return msgspec.json.format(msgspec.json.encode(spec), indent=1)


def decode(data: bytes) -> ContainerSpec:
    """Raises msgspec.DecodeError and msgspec.ValidationError."""
    return msgspec.json.decode(data, type=ContainerSpec)
