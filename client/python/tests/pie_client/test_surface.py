"""Source compatibility: what programs for pie-client 0.4.0 and 0.5.3 call is here, with the same parameters in the same order."""

import inspect
from enum import Enum

import pytest

import pie_client
from pie_client import Event, ParsedPrivateKey, PieClient, Process, ReceivedFile

CLIENT = {
    "connect": [],
    "close": [],
    "authenticate": ["username", "private_key"],
    "auth_by_token": ["token"],
    "query": ["subject", "record"],
    "resolve_version": ["name", "registry_url"],
    "check_program": ["inferlet", "wasm_path", "manifest_path"],
    "install_program": ["wasm_path", "manifest_path", "force_overwrite"],
    "install_program_bytes": ["program_bytes", "manifest", "force_overwrite"],
    "launch_process": ["inferlet", "input", "capture_outputs", "token_budget"],
    "launch_processes": ["inferlet", "inputs", "capture_outputs", "token_budgets"],
    "run_processes": ["inferlet", "inputs", "token_budgets"],
    "run": ["program"],
    "attach_process": ["process_id"],
    "list_processes": [],
    "ping": [],
    "signal_process": ["process_id", "message"],
    "terminate_process": ["process_id"],
    "launch_daemon": ["inferlet", "port", "input"],
    "register_mcp_server": ["name", "transport", "command", "args", "url"],
}
PROCESS = {"signal": ["message"], "transfer_file": ["file_bytes"], "recv": [], "result": [], "terminate": []}


def positional(verb: object) -> list[str]:
    parameters = inspect.signature(verb).parameters.values()  # type: ignore[arg-type]
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    return [parameter.name for parameter in parameters if parameter.kind in kinds][1:]


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [(PieClient, *entry) for entry in CLIENT.items()] + [(Process, *entry) for entry in PROCESS.items()],
)
def test_a_verb_takes_what_it_took(owner: type, name: str, parameters: list[str]) -> None:
    verb = getattr(owner, name)
    assert inspect.iscoroutinefunction(verb)
    assert positional(verb)[: len(parameters)] == parameters


def test_events_are_an_enum_of_these_values() -> None:
    assert issubclass(Event, Enum)
    assert {event.name: event.value for event in Event} == {
        "Stdout": "stdout",
        "Stderr": "stderr",
        "Message": "message",
        "File": "file",
        "Return": "return",
        "Error": "error",
    }


def test_the_client_is_made_from_an_address_alone_and_outside_of_a_loop() -> None:
    assert PieClient("ws://127.0.0.1:1").server_uri == "ws://127.0.0.1:1"


def test_keys_and_files_have_their_methods() -> None:
    assert callable(ParsedPrivateKey.parse)
    assert callable(ParsedPrivateKey.from_file)
    assert issubclass(ReceivedFile, bytes)
    assert ReceivedFile(b"", None).file_name() == "file.bin"


def test_all_that_is_exported_exists_and_every_error_is_exported() -> None:
    from pie_client import errors

    assert [name for name in pie_client.__all__ if not hasattr(pie_client, name)] == []
    assert {name for name in vars(errors) if name.endswith("Error")} <= set(pie_client.__all__)
