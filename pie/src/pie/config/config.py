"""The configuration: its keys, their types, bounds and defaults. What stands here is what may stand in `config.toml`.

The descriptions are the documentation: `pie config init` and docs/configuration.md are made from them.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

EMBEDDED_MODEL = "pie-tiny"
"""The name of the model that comes with Pie."""

MODEL_NAME_LENGTH_MAX = 200


class DriverOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """`[model.driver.options]`."""

    kv_cache_mb: Annotated[int, Meta(ge=1, le=1 << 24, description="Memory for the KV cache, in MiB.")] = 1024
    kv_page_size: Annotated[int, Meta(ge=1, le=1024, description="Tokens per KV cache page.")] = 16
    total_pages: Annotated[
        int, Meta(ge=0, le=1 << 30, description="At most this many KV cache pages; 0: as many as `kv_cache_mb` holds.")
    ] = 0
    max_forward_tokens: Annotated[int, Meta(ge=1, le=1 << 20, description="Tokens in one batch. Longer prompts are split.")] = 2048
    max_forward_requests: Annotated[int, Meta(ge=1, le=1 << 16, description="Sequences in one batch.")] = 256
    threads: Annotated[
        int, Meta(ge=0, le=1024, description="Threads for computing on the CPU; 0: what is fastest for the model's size.")
    ] = 0


class DriverConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[model.driver]`: what runs the model."""

    type: Annotated[
        Literal["torch", "dummy"],
        Meta(description="`torch` runs the model; `dummy` invents tokens without loading weights, for tests."),
    ] = "torch"
    device: Annotated[
        str,
        Meta(pattern=r"^(cpu|cuda(:[0-9]{1,3})?)$", examples=["cpu", "cuda", "cuda:1"], description="Where the model runs."),
    ] = "cpu"
    activation_dtype: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Meta(description="Number format to compute in; `auto`: what is fastest for the device and the model's size."),
    ] = "auto"
    options: DriverOptions = DriverOptions()


class ModelConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[model]]`: one model; the first one is the default of programs that name none."""

    name: Annotated[str, Meta(min_length=1, max_length=MODEL_NAME_LENGTH_MAX, description="What programs call the model.")]
    hf_repo: Annotated[
        str,
        Meta(
            min_length=1,
            description="Where its files are: `pie-tiny` (comes with Pie), a folder, or a Hugging Face repository that has been "
            "downloaded with `pie model download`.",
        ),
    ]
    driver: DriverConfig = DriverConfig()


class RuntimeConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[runtime]`: the sandbox that programs run in."""

    wasm_max_instances: Annotated[
        int, Meta(ge=1, le=100_000, description="Processes that run at the same time; more wait for their turn.")
    ] = 1000
    wasm_max_memory_mb: Annotated[int, Meta(ge=1, le=4096, description="Memory that one process may use, in MiB.")] = 4096
    allow_fs: Annotated[bool, Meta(description="Whether programs have a folder `/scratch`, each process its own.")] = False
    fs_scratch_dir: Annotated[
        str, Meta(description="Where these folders are made; empty: `pie` below the system's folder for temporary files.")
    ] = ""
    max_upload_mb: Annotated[
        int, Meta(ge=1, le=4096, description="Size of an uploaded program, or of a file sent to a process, in MiB.")
    ] = 256

    share_prefixes: Annotated[
        bool,
        Meta(
            description="Whether what one user has had computed is found when another sends the same beginning. It saves computing "
            "common system prompts for each user; how fast an answer begins then tells whether somebody has sent that text."
        ),
    ] = True

    @property
    def upload_bytes_max(self) -> int:
        return self.max_upload_mb << 20

    @property
    def memory_bytes_max(self) -> int:
        return self.wasm_max_memory_mb << 20

    @property
    def processes_max(self) -> int:
        return self.wasm_max_instances

    @property
    def scratch_folder(self) -> Path | None:
        """Where `/scratch` folders are made; None if programs have none."""
        if not self.allow_fs:
            return None
        return Path(self.fs_scratch_dir).expanduser() if self.fs_scratch_dir else Path(tempfile.gettempdir()) / "pie"


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[server]`: where `pie serve` listens, and how it ends."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: a free one.")] = 8080
    verbose: Annotated[bool, Meta(description="Log what the engine does.")] = False
    registry: Annotated[
        str,
        Meta(examples=["http://127.0.0.1:8090"], description="Registry that unknown programs are fetched from; empty: none."),
    ] = ""
    grace_s: Annotated[
        float, Meta(ge=0, le=86_400, description="Seconds that running processes get to finish when the server is told to stop.")
    ] = 10.0
    tls_cert: Annotated[str, Meta(description="Certificate chain (PEM file), for wss:// and https://. Needs `tls_key`.")] = ""
    tls_key: Annotated[str, Meta(description="The certificate's private key (PEM file).")] = ""


class AuthConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[auth]`: who may use the server."""

    enabled: Annotated[
        bool, Meta(description="Whether clients must show a key (`pie auth`). May be off only on a loopback address.")
    ] = True


class LimitsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: what one user, and one connection, may take."""

    processes_per_user: Annotated[int, Meta(ge=1, le=100_000, description="Live processes of one user.")] = 256
    tokens_per_minute: Annotated[int, Meta(ge=0, description="Tokens that one user may have computed per minute; 0: no limit.")] = 0
    queued_events: Annotated[int, Meta(ge=16, le=1_000_000, description="Events of one process that wait for its client.")] = 4096
    kept_results: Annotated[
        int, Meta(ge=0, le=100_000, description="Ended processes of one user whose results wait for a client to attach.")
    ] = 100
    kept_results_mb: Annotated[int, Meta(ge=0, le=65_536, description="Memory for such results of all users, in MiB.")] = 64
    kept_results_s: Annotated[float, Meta(ge=0, description="Seconds that such a result is kept.")] = 3600.0
    connections: Annotated[int, Meta(ge=1, le=1_000_000, description="Client connections at the same time.")] = 4096
    handshake_timeout_s: Annotated[float, Meta(gt=0, description="Seconds that a client may take to log in.")] = 30.0
    idle_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds without any sign of life (answers to pings included) after which a client is gone.")
    ] = 60.0


class TelemetryConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[telemetry]`: traces, sent by OTLP over HTTP."""

    enabled: Annotated[bool, Meta(description="Whether traces are sent.")] = False
    endpoint: Annotated[str, Meta(min_length=1, description="The collector.")] = "http://localhost:4318"
    service_name: Annotated[str, Meta(min_length=1, description="What the traces call this server.")] = "pie"


class OpenAIConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[openai]`: programs that answer OpenAI routes instead of the built-in ones. They get the request's JSON as input."""

    chat_completions: Annotated[str, Meta(description="Program for `/v1/chat/completions`, `name` or `name@version`.")] = ""
    completions: Annotated[str, Meta(description="Program for `/v1/completions`.")] = ""
    responses: Annotated[str, Meta(description="Program for `/v1/responses`.")] = ""


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `config.toml`. Without a file, or without models in it: pie-tiny on the CPU."""

    server: ServerConfig = ServerConfig()
    auth: AuthConfig = AuthConfig()
    limits: LimitsConfig = LimitsConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    openai: OpenAIConfig = OpenAIConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    models: Annotated[tuple[ModelConfig, ...], Meta(min_length=1)] = field(
        name="model", default=(ModelConfig(EMBEDDED_MODEL, EMBEDDED_MODEL),)
    )

    def to_toml(self) -> str:
        """The text of a `config.toml` that says the same."""
        from pie.config.file import shown

        return shown(self)
