from pie.errors import GuestError
from pie.sandbox.faults import failure
from pie.sandbox.interface import GuestExit

TEXT = """error while executing at wasm backtrace:
    0:     0xc2 - python.wasm!abort
    1:   0x1a2b - <unknown>!<wasm function 3>

Caused by:
    {cause}"""


def test_the_message_is_the_cause_and_the_backtrace_the_frames():
    error = failure(TEXT.format(cause="the host said no"), None)
    assert str(error) == "the host said no"
    assert error.backtrace == "0:     0xc2 - python.wasm!abort\n1:   0x1a2b - <unknown>!<wasm function 3>"


def test_known_traps_get_plain_words():
    assert "stack overflow" in str(failure(TEXT.format(cause="wasm trap: call stack exhausted"), None))
    assert "aborted itself" in str(failure(TEXT.format(cause="wasm trap: wasm `unreachable` instruction executed"), None))


def test_several_causes_are_joined():
    assert str(failure(TEXT.format(cause="0: one\n    1: two"), None)) == "one: two"


def test_a_text_without_causes_is_the_message():
    assert str(failure("something else", None)) == "something else"


def test_what_a_host_function_raised_is_the_cause():
    fault = ValueError("odd")
    error = failure("text", fault)
    assert isinstance(error, GuestError)
    assert error.__cause__ is fault


def test_exits_and_interrupts_pass_through():
    for fault in (GuestExit(1), KeyboardInterrupt()):
        assert failure("text", fault) is fault
