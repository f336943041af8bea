import msgspec

from pie.config.config import Config, LimitsConfig, ModelConfig, OpenAIConfig, RuntimeConfig, ServerConfig
from pie.server.reloading import LIVE, reload


def test_nothing_changed_nothing_taken() -> None:
    result = reload(Config(), Config())
    assert (result.config, result.taken, result.left) == (Config(), [], [])


def test_limits_and_routes_take_effect() -> None:
    new = Config(limits=LimitsConfig(processes_per_user=3), openai=OpenAIConfig(completions="mine"), server=ServerConfig(grace_s=1))
    result = reload(Config(), new)
    assert result.config == new
    assert result.taken == ["server.grace_s", "limits.processes_per_user", "openai.completions"]
    assert result.left == []


def test_what_needs_a_restart_is_named_and_left_as_it_was() -> None:
    new = Config(
        server=ServerConfig(port=1, verbose=True),
        runtime=RuntimeConfig(wasm_max_instances=1, allow_fs=True),
        models=(ModelConfig("other", "pie-tiny"),),
    )
    result = reload(Config(), new)
    assert result.taken == ["server.verbose", "runtime.allow_fs"]
    assert result.left == ["server.port", "runtime.wasm_max_instances", "model"]
    assert result.config == Config(server=ServerConfig(verbose=True), runtime=RuntimeConfig(allow_fs=True))


def test_every_live_key_exists() -> None:
    tables = msgspec.to_builtins(Config())
    for path in LIVE:
        table, _, key = path.partition(".")
        assert table in tables
        assert not key or key in tables[table]
