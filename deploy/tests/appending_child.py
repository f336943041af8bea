"""A process that changes a platform and says what was accepted, until it is killed: `python appending_child.py FOLDER`."""

import itertools
import os
import sys
from pathlib import Path

from service_platform import ALICE, service_platform

from pie_deploy.domain.operations import AddVertex, SetNote


def main(folder: Path) -> None:
    platform = service_platform(folder)
    services = platform.services
    for number in itertools.count():
        vertex = f"v{os.getpid()}-{number}"
        batch = [AddVertex(vertex=vertex, transformation="tee"), SetNote(vertex=vertex, note="n" * 500)]
        head = services.backends.append(ALICE, "words", batch).records[-1].seq
        file = services.files.upload(ALICE, f"file-{number}", "text", [os.urandom(20_000)])
        sys.stdout.write(f"{head} {file.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
