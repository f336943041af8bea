import errno

from pie.wasi.error_codes import error_code


def test_system_errors_have_their_wasi_word():
    assert error_code(FileNotFoundError(errno.ENOENT, "")) == "no-entry"
    assert error_code(OSError(errno.EDQUOT, "")) == "quota"


def test_an_unknown_error_is_an_io_error():
    assert error_code(OSError(errno.EUCLEAN, "")) == "io"
    assert error_code(OSError("no number")) == "io"
