import pytest

from pie.sandbox.interface import Err, GuestExit, GuestFault, Ok
from pie.wasi import cli
from pie.wasi.streams import BytesInput
from wasi.fakes import process


def test_a_guest_has_no_variables_no_arguments_no_folder():
    functions = cli.ENVIRONMENT.functions
    assert functions["get-environment"](process()) == []
    assert functions["get-arguments"](process()) == []
    assert functions["initial-cwd"](process()) is None


@pytest.mark.parametrize("status, code", [(Ok(), 0), (Err(), 1)])
def test_exit_ends_the_guest(status, code):
    with pytest.raises(GuestExit) as caught:
        cli.exit_with_status(process(), status)
    assert caught.value.code == code


def test_exit_with_code_keeps_the_code():
    with pytest.raises(GuestExit) as caught:
        cli.exit_with_code(process(), 7)
    assert caught.value.code == 7


def test_the_streams_are_those_of_the_process():
    state = process(stdin=BytesInput(b"typed"))
    assert cli.get_stdin(state).read(10) == b"typed"
    assert cli.get_stdout(state) is state.wasi.stdout
    assert cli.get_stderr(state) is state.wasi.stderr


def test_there_is_no_input_unless_given():
    with pytest.raises(GuestFault):
        cli.get_stdin(process()).read(1)


@pytest.mark.parametrize("interface", [cli.TERMINAL_STDIN, cli.TERMINAL_STDOUT, cli.TERMINAL_STDERR])
def test_no_stream_is_a_terminal(interface):
    (function,) = interface.functions.values()
    assert function(process()) is None
