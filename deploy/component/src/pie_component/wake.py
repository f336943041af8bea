"""What wakes the worker while it sleeps in a poll: from any thread, and from a signal handler."""

import os
import select


class Wake:
    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable when `set` was called since the last `clear`."""

    def set(self) -> None:
        os.eventfd_write(self.fd, 1)

    def clear(self) -> None:
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return

    def wait(self, timeout_s: float) -> None:
        """Sleep until `set` is called, or was since the last `clear`; then it is cleared."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.poll(timeout_s * 1000)
        self.clear()

    def close(self) -> None:
        os.close(self.fd)
