"""Files of a scratch as streams."""

import os

from pie.limits import WASI_WRITE_BYTES_MAX
from pie.wasi.error_codes import error_code
from pie.wasi.scratch import OpenFile
from pie.wasi.streams import InputStream, OutputStream, closed, failed


class FileInput(InputStream):
    """Reads on from `offset`. Ends at the end of the file, but goes on if the file has grown by the next read."""

    def __init__(self, file: OpenFile, offset: int) -> None:
        self._file = file.share()
        self._offset = offset

    def read(self, size_max: int) -> bytes:
        try:
            data = os.pread(self._file.fd, size_max, self._offset)
        except OSError as error:
            raise failed(str(error), error_code(error)) from None
        if size_max and not data:
            raise closed()
        self._offset += len(data)
        return data

    def drop(self) -> None:
        self._file.release()


class FileOutput(OutputStream):
    """Writes on from `offset`, or always at the end of the file if that is None."""

    def __init__(self, file: OpenFile, offset: int | None) -> None:
        super().__init__()
        self._file = file.share()
        self._offset = offset

    def room(self) -> int:
        return WASI_WRITE_BYTES_MAX

    def write(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError as error:
            raise failed(str(error), error_code(error)) from None

    def _write(self, data: bytes) -> None:
        while data:
            offset = self._file.status().st_size if self._offset is None else self._offset
            written = self._file.scratch.write(self._file, data, offset)
            if self._offset is not None:
                self._offset += written
            data = data[written:]

    def drop(self) -> None:
        self._file.release()
