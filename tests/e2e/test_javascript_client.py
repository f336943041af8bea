"""`client/javascript` against a real server: in Node, and in Chromium."""

import asyncio
import json
import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from e2e import components
from e2e.conftest import dummy_config, model_without_weights
from e2e.serving import Built, built, home_beside, new_user, serving
from playwright.async_api import async_playwright

from pie.config.home import Home
from pie.server.server import Server

CLIENT = Path(__file__).parents[2] / "client" / "javascript"
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PATIENCE_S = 240

PAGE = """<!doctype html><meta charset="utf-8"><title>Pie</title>
<script type="module">
import * as pie from "/src/index.js";
import { scenarios } from "/test/scenarios.js";
const { url, keys, programs } = await (await fetch("/surroundings.json")).json();
for (const [name, program] of Object.entries(programs)) {
  program.wasm = new Uint8Array(await (await fetch(`/programs/${name}.wasm`)).arrayBuffer());
}
window.names = Object.keys(scenarios);
window.run = (name) => scenarios[name]({ pie, url, keys, programs });
window.ready = true;
</script>"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the scenarios in client/javascript/test need to know, as a file."""

    file: Path
    programs: Path
    """The folder with the components."""


@pytest.fixture
async def surroundings(home: Home, tmp_path: Path) -> AsyncIterator[Surroundings]:
    """A server with authentication on, four users with keys of all kinds, and programs to upload."""
    own = home_beside(home, tmp_path / "home")
    keys = {
        "alice": new_user(own, "alice", operator=True),
        "rsa": new_user(own, "rsa", rsa.generate_private_key(65537, 2048)),
        "p256": new_user(own, "p256", ec.generate_private_key(ec.SECP256R1())),
        "p384": new_user(own, "p384", ec.generate_private_key(ec.SECP384R1())),
    }
    folder = tmp_path / "programs"
    folder.mkdir()
    programs = await asyncio.to_thread(_programs, home, folder)
    async with Server(serving(dummy_config(model_without_weights(tmp_path)), auth=True), own) as server:
        file = tmp_path / "surroundings.json"
        file.write_text(json.dumps({"url": server.url, "keys": keys, "programs": programs}))
        yield Surroundings(file, folder)


def _programs(home: Home, folder: Path) -> dict[str, dict[str, str]]:
    (folder / "echo.wasm").write_bytes(components.echo())
    (folder / "echo.toml").write_text('[package]\nname = "echo"\nversion = "0.1.0"\n')
    files = {name: built(name, home, folder) for name in ("talk", "file-echo", "mcp-tools")}
    files["echo"] = Built(folder / "echo.wasm", folder / "echo.toml")
    return {name: {"wasm": str(one.wasm), "manifest": one.manifest.read_text()} for name, one in files.items()}


async def node(*arguments: str | Path, **environment: str) -> tuple[int, str]:
    """Exit status and all that was printed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node 20 or later: apt-get install -y nodejs")
    child = await asyncio.create_subprocess_exec(
        found,
        *map(str, arguments),
        cwd=CLIENT,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert child.stdout is not None
    out = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while data := await child.stdout.read(1 << 16):
                out += data
            status = await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
        pytest.fail(f"node has not ended after {PATIENCE_S} s:\n{out.decode()}")
    return status, out.decode()


@pytest.mark.slow
async def test_in_node_it_does_what_it_should(surroundings: Surroundings) -> None:
    status, out = await node("--experimental-websocket", "--test", "test/", PIE_SURROUNDINGS=str(surroundings.file))
    assert status == 0, out
    assert "# skipped 0" in out


async def test_its_parts_do_what_they_should() -> None:
    status, out = await node("--experimental-websocket", "--test", "test/")
    assert status == 0, out


@pytest.mark.slow
async def test_its_types_are_right() -> None:
    compiler = CLIENT / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        pytest.skip(f"needs the TypeScript compiler: npm --prefix {CLIENT} install")
    status, out = await node(compiler, "-p", ".")
    assert status == 0, out


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Chromium: apt-get install -y --no-install-recommends chromium")
async def test_in_chromium_it_does_what_it_should(surroundings: Surroundings) -> None:
    with _site(surroundings) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
            page = await browser.new_page()
            try:
                await page.goto(address)
                await page.wait_for_function("window.ready", timeout=PATIENCE_S * 1000)
                for name in await page.evaluate("window.names"):
                    async with asyncio.timeout(PATIENCE_S):
                        await page.evaluate("(name) => window.run(name)", name)
            finally:
                await browser.close()


@contextmanager
def _site(surroundings: Surroundings) -> Iterator[str]:
    """The page, the client's sources, and what surrounds them, over HTTP."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, surroundings))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm"}  # noqa: RUF012

    def __init__(self, surroundings: Surroundings, *arguments: object) -> None:
        self._surroundings = surroundings
        super().__init__(*arguments, directory=str(CLIENT))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def translate_path(self, path: str) -> str:
        if path == "/surroundings.json":
            return str(self._surroundings.file)
        if path.startswith("/programs/"):
            return str(self._surroundings.programs / Path(path).name)
        return super().translate_path(path)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Not on stderr."""
