"""A deployment platform of a bench's own: `pie up` as an OS process in a folder that goes with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.cli.client import Client
from pie_deploy.config.address import read_address, read_credential
from pie_deploy.config.home import HOME_VARIABLE, Home
from pie_deploy.domain.records import Deployment

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "deploy" / "examples"
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Up:
    """A control plane that answers."""

    client: Client
    environment: dict[str, str]

    def pie(self, *arguments: str) -> str:
        """Run a verb; what it prints. Raises CalledProcessError."""
        command = [sys.executable, "-c", "from pie_cli.main import main; main()", *arguments]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=True)
        return done.stdout

    def wait_until(self, backend: str, status: str) -> Deployment:
        """Follow a deployment until it is that. Raises RuntimeError when it gets elsewhere."""
        *_, last = self.client.lines(f"/v1/deployments/{backend}/wait", Deployment, status=status, timeout=f"{PATIENCE_S}s")
        if status not in (last.status, "gone" if last.gone_at_ns else ""):
            raise RuntimeError(f"{backend} is {last.status}: {last.status_message}")
        return last


@contextmanager
def platform() -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="pie-bench-", dir="/tmp") as folder:
        environment = {**os.environ, HOME_VARIABLE: folder}
        command = [sys.executable, "-c", "from pie_cli.main import main; main()", "up", "--port", "0", "--gateway-port", "0"]
        with subprocess.Popen([*command, "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            try:
                assert child.stdout is not None and child.stdout.readline(), "the platform did not come up"
                home = Home(Path(folder))
                with Client(read_address(home).api_url, read_credential(home)) as client:
                    yield Up(client, environment)
            finally:
                child.terminate()
                child.wait(PATIENCE_S)
