from pathlib import Path

import pytest

from pie.config.config import Config, ModelConfig, RuntimeConfig
from pie.config.file import parse, shown
from pie.errors import ConfigError

MODEL = '[[model]]\nname = "m"\nhf_repo = "pie-tiny"\n'


def test_an_empty_file_means_pie_tiny_on_the_cpu() -> None:
    config = parse("")
    assert config == Config()
    assert [(model.name, model.driver.type, model.driver.device) for model in config.models] == [("pie-tiny", "torch", "cpu")]


def test_every_key_is_read() -> None:
    config = parse(
        "[runtime]\nwasm_max_instances = 5\nwasm_max_memory_mb = 64\nallow_fs = true\nfs_scratch_dir = '/s'\n"
        + MODEL
        + "[model.driver]\ntype = 'dummy'\ndevice = 'cuda:1'\nactivation_dtype = 'float32'\n"
        "[model.driver.options]\nkv_cache_mb = 1\nkv_page_size = 2\ntotal_pages = 3\nmax_forward_tokens = 4\n"
        "max_forward_requests = 5\nthreads = 6\n"
    )
    driver = config.models[0].driver
    assert config.runtime == RuntimeConfig(wasm_max_instances=5, wasm_max_memory_mb=64, allow_fs=True, fs_scratch_dir="/s")
    assert (driver.type, driver.device, driver.activation_dtype) == ("dummy", "cuda:1", "float32")
    assert [getattr(driver.options, name) for name in driver.options.__struct_fields__] == [1, 2, 3, 4, 5, 6]


def test_what_is_shown_reads_back_as_the_same() -> None:
    config = Config(models=(ModelConfig("a", "pie-tiny"), ModelConfig("b", "x/y")))
    assert parse(shown(config)) == config


def test_the_scratch_folder_is_none_unless_allowed() -> None:
    assert RuntimeConfig().scratch_folder is None
    assert RuntimeConfig(allow_fs=True, fs_scratch_dir="/s").scratch_folder == Path("/s")
    default = RuntimeConfig(allow_fs=True).scratch_folder
    assert default is not None
    assert default.name == "pie"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[runtim]", "runtim: unknown key; did you mean `runtime`?"),
        ("[runtime]\nwasm_memory_mb = 1", "runtime.wasm_memory_mb: unknown key; did you mean `wasm_max_memory_mb`?"),
        (MODEL + "[model.driver]\ntpye = 'torch'", "model[0].driver.tpye: unknown key; did you mean `type`?"),
        ("[runtime]\nallow_fs = 1", "runtime.allow_fs: must be true or false, not a whole number"),
        ("[runtime]\nwasm_max_memory_mb = 5000", "runtime.wasm_max_memory_mb: must be a whole number <= 4096"),
        ("[runtime]\nwasm_max_instances = 0", "runtime.wasm_max_instances: must be a whole number >= 1"),
        (MODEL + "[model.driver]\ntype = 'vllm'", "model[0].driver.type: must be 'dummy' or 'torch', not 'vllm'"),
        (MODEL + "[model.driver]\ndevice = 'gpu'", "model[0].driver.device: must be like 'cpu', 'cuda', 'cuda:1'"),
        (MODEL + "[model.driver]\ndevice = 'cpu\\n'", "device: must be like"),
        (MODEL + MODEL.replace("hf_repo", "repo"), "model[1].repo: unknown key; did you mean `hf_repo`?"),
        ("[[model]]\nname = 'm'", "model[0].hf_repo: is missing"),
        ("[[model]]\nname = ''\nhf_repo = 'x'", "model[0].name: must be text of length >= 1"),
        ("model = []", "model: must be a list of length >= 1"),
        ("[model]\nname = 'm'", "model: must be a list, not a table"),
        (MODEL + MODEL, "model[1].name: 'm' is taken by model[0].name"),
        ("[runtime", "not valid TOML"),
        ("a = " + "[" * 50_000, "not valid TOML"),
    ],
)
def test_an_error_names_the_key_and_what_is_allowed(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert problem in str(caught.value)


def test_two_models_cannot_share_a_gpu() -> None:
    models = [
        MODEL.replace('"m"', f'"{name}"') + f"[model.driver]\ndevice = '{device}'\n"
        for name, device in [("a", "cuda"), ("b", "cuda:0")]
    ]
    with pytest.raises(ConfigError, match=r"model\[1\]\.driver\.device: 'cuda:0' is taken by model\[0\]\.driver\.device"):
        parse("".join(models))


def test_two_models_can_share_the_cpu() -> None:
    assert len(parse(MODEL + MODEL.replace('"m"', '"n"')).models) == 2


def test_a_configuration_says_itself_as_toml() -> None:
    config = Config(runtime=RuntimeConfig(allow_fs=True), models=(ModelConfig("m", "pie-tiny"),))
    assert parse(config.to_toml()) == config
