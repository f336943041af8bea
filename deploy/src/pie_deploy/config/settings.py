"""The configuration: its keys, their types, bounds and defaults. What stands here is what may stand in `config.yml`.

    database: postgresql://pie@db.example.org/pie
    api: {port: 8470}
    gateway: {port: 8471, public_url: "https://pie.example.org"}
    runtimes:
      local: {launcher: process, labels: [cpu], ceiling: 168h}
    process: {isolation: auto, orphan_grace: 60s}
    keep: {environments: 720h, logs: 168h}
    users:
      alice: {role: editor, keys: [9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]}
    limits: {connections: 1000}

Both servers listen on loopback only; for others to reach them, put a proxy in front.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from pie_deploy.domain.role import Role

NAME = r"^[a-z][a-z0-9_-]{0,62}$"
KEY_HASH = r"^[0-9a-f]{64}$"
DURATION_LENGTH_MAX = 64

LOCAL_RUNTIME = "local"

Port = Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: a free one.")]
Duration = Annotated[str, Meta(min_length=2, max_length=DURATION_LENGTH_MAX, examples=["90s", "1h30m", "168h"])]
Name = Annotated[str, Meta(pattern=NAME)]
KeyHash = Annotated[str, Meta(pattern=KEY_HASH)]


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ApiConfig(_Section, frozen=True, kw_only=True):
    """`api`: where programs and the command line ask."""

    port: Port = 8470


class GatewayConfig(_Section, frozen=True, kw_only=True):
    """`gateway`: where the endpoints of deployments answer."""

    port: Port = 8471
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$",
            max_length=2000,
            description="How others reach the gateway, if a proxy stands in front; URLs of endpoints begin so.",
        ),
    ] = ""


class RuntimeConfig(_Section, frozen=True, kw_only=True):
    """`runtimes.NAME`: machines that deployments may use. What is not said is what this machine has."""

    launcher: Annotated[
        Literal["process", "fake"], Meta(description="`process`: real OS processes; `fake`: none at all, for tests.")
    ] = "process"
    labels: Annotated[tuple[Name, ...], Meta(max_length=64, description="The class: what graphs may ask for.")] = ("cpu",)
    cpu: Annotated[float, Meta(gt=0, le=4096, description="Cores to give away.")] | None = None
    memory_mb: Annotated[int, Meta(ge=1, le=1 << 30, description="Memory to give away, in MiB.")] | None = None
    gpu: Annotated[int, Meta(ge=0, le=1024, description="GPUs to give away.")] = 0
    ceiling: Annotated[Duration, Meta(description="Longest life of a deployment; none: no end.")] | None = None
    crash_budget: Annotated[int, Meta(ge=0, le=1000, description="Restarts of one container within `crash_window`.")] = 5
    crash_window: Annotated[Duration, Meta(description="In which crashes are counted.")] = "10m"


class ProcessConfig(_Section, frozen=True, kw_only=True):
    """`process`: how containers run as OS processes of this machine."""

    isolation: Annotated[
        Literal["auto", "none", "bwrap"], Meta(description="Whether bubblewrap separates containers; `auto`: when installed.")
    ] = "auto"
    orphan_grace: Annotated[
        Duration, Meta(description="How long containers live on when the control plane is gone: its time to come back.")
    ] = "60s"


class KeepConfig(_Section, frozen=True, kw_only=True):
    """`keep`: how long what nobody needs any more stays on the disk. Environments and caches are made again when needed."""

    environments: Annotated[Duration, Meta(description="Virtual environments that no container uses.")] = "720h"
    caches: Annotated[Duration, Meta(description="Cache folders of components that no container uses.")] = "720h"
    logs: Annotated[Duration, Meta(description="Logs of containers that are gone.")] = "168h"
    events: Annotated[Duration, Meta(description="Events, which the audit trail consists of.")] = "2160h"


class UserConfig(_Section, frozen=True, kw_only=True):
    """`users.NAME`: who may use the API besides the user who started it."""

    role: Annotated[Role, Meta(description="What the user may do: owner, editor, operator, viewer, agent.")] = Role.OWNER
    keys: Annotated[tuple[KeyHash, ...], Meta(max_length=100, description="SHA-256 of API keys, each 64 hexadecimal digits.")] = ()


class LimitsConfig(_Section, frozen=True, kw_only=True):
    """`limits`: what all clients together may take."""

    connections: Annotated[int, Meta(ge=1, le=100_000, description="Connections to each of the two servers.")] = 2000


class Config(_Section, frozen=True, kw_only=True):
    """A whole `config.yml`. Without a file: SQLite, and a runtime `local` of processes on this machine."""

    database: Annotated[
        str,
        Meta(
            pattern=r"^((sqlite|postgresql)(\+[a-z]+)?://.*)?$",
            max_length=2000,
            description="URL of the database; empty: SQLite in the platform's folder.",
        ),
    ] = ""
    api: ApiConfig = ApiConfig()
    gateway: GatewayConfig = GatewayConfig()
    runtimes: dict[Name, RuntimeConfig] = field(default_factory=lambda: {LOCAL_RUNTIME: RuntimeConfig()})
    process: ProcessConfig = ProcessConfig()
    keep: KeepConfig = KeepConfig()
    users: dict[Name, UserConfig] = {}
    limits: LimitsConfig = LimitsConfig()
