"""Where the platform's own programs and their code lie: a command may be `pie`, such as an engine in the graph."""

import functools
import site
import sys
from collections.abc import Iterator
from pathlib import Path


def programs() -> Path:
    """The folder of `pie`."""
    return Path(sys.prefix) / "bin"


@functools.cache
def folders() -> tuple[str, ...]:
    """What `pie` needs to read: the Python environment of the platform, and what is installed in it as links to sources. Of a
    checkout that is all that is not hidden: the engine finds its example programs beside its sources."""
    links = [link for packages in site.getsitepackages() for link in _links(Path(packages))]
    return (sys.prefix, *dict.fromkeys(str(folder) for link in links for folder in _sources(link)))


def _links(packages: Path) -> Iterator[Path]:
    for file in sorted(packages.glob("*.pth")):
        for line in file.read_text(errors="replace").splitlines():
            if line.startswith("/") and Path(line.strip()).is_dir():
                yield Path(line.strip())


def _sources(link: Path) -> list[Path]:
    checkout = next((parent for parent in link.parents if (parent / ".git").exists()), None)
    if checkout is None:
        return [link]
    return [folder for folder in sorted(checkout.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
