"""Reading a file of our own from a folder of a container, who could have put something else there."""

import errno
import os
import stat
from pathlib import Path

from pie_deploy.limits import SMALL_FILE_BYTES_MAX


def read_small_file(path: Path) -> bytes:
    """Raises OSError, also for a link, for a pipe (which would be waited for), and for what is larger than any of ours."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > SMALL_FILE_BYTES_MAX:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        return os.read(descriptor, SMALL_FILE_BYTES_MAX)
    finally:
        os.close(descriptor)
