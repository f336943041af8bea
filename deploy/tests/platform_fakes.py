"""A platform for tests: free ports, a home with short paths, containers that are none."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pie_deploy.config import ApiConfig, Config, GatewayConfig, Home, RuntimeConfig


@contextmanager
def short_home() -> Iterator[Home]:
    """Sockets have paths of at most 107 bytes, so not below pytest's folders. Gone at the end, with its sockets."""
    root = Path(tempfile.mkdtemp(prefix="pie-", dir="/tmp"))
    home = Home(root)
    try:
        yield home
    finally:
        shutil.rmtree(home.run, ignore_errors=True)
        _remove(root)


def config_for_tests(launcher: str = "fake") -> Config:
    runtimes = {"local": RuntimeConfig(launcher=launcher)}  # type: ignore[arg-type]
    return Config(api=ApiConfig(port=0), gateway=GatewayConfig(port=0), runtimes=runtimes)


def _remove(root: Path) -> None:
    """Unpacked components are read only."""
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir() and not path.is_symlink())]:
        folder.chmod(0o700)
    shutil.rmtree(root, ignore_errors=True)
