"""The published clients, as people have them, against `pie serve`.

Each version lives in an environment of its own, made once (`pip install pie-client==…`) in pytest's cache folder.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from e2e.command import PATIENCE_S, Command
from e2e.conftest import model_without_weights, worker_ids
from e2e.serving import Built, PrivateKey, built, home_beside, new_user

from pie.config.config import Config
from pie.config.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DRIVERS = Path(__file__).parent / "published"
TALK = "talk@0.1.0"


@dataclass(frozen=True, slots=True)
class Published:
    """A client's environment, and the script that drives it."""

    folder: Path
    driver: Path

    def __call__(self, *arguments: object) -> Any:
        """What a scenario saw."""
        done = self.start(*arguments, check=True)
        return json.loads(done.stdout)

    def start(self, *arguments: object, check: bool = False) -> "subprocess.CompletedProcess[str]":
        done = self._run([self.folder / "bin" / "python", self.driver, *arguments])
        assert not check or done.returncode == 0, done.stderr
        return done

    def cli(self, *arguments: object, given: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Its command line. It takes an empty stdin for a wish to leave; so stdin is held open by default."""
        return self._run([self.folder / "bin" / "pie-client", *arguments], **environment)

    def _run(self, line: list[object], **environment: str) -> "subprocess.CompletedProcess[str]":
        child = subprocess.Popen(
            list(map(str, line)),
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdin and child.stdout and child.stderr
        try:
            child.wait(PATIENCE_S)
            return subprocess.CompletedProcess(line, child.returncode, child.stdout.read(), child.stderr.read())
        finally:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                pipe.close()


def environment_of(version: str, cache: Path) -> Path:
    """A virtual environment with this version of `pie-client`, made if it is not there whole."""
    folder = cache / f"pie-client-{version}"
    complete = folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)  # ours will do, and be there at once
        pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "install", "-q", f"pie-client=={version}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"pip could not install pie-client {version}:\n{done.stderr}"
        complete.touch()
    return folder


@pytest.fixture(scope="session")
def environments(request: pytest.FixtureRequest) -> Path:
    return request.config.cache.mkdir("published-clients")


@pytest.fixture(scope="session")
def client_0_4(environments: Path) -> Published:
    return Published(environment_of("0.4.0", environments), DRIVERS / "driver_0_4.py")


@pytest.fixture(scope="session")
def client_0_5(environments: Path) -> Published:
    return Published(environment_of("0.5.3", environments), DRIVERS / "driver_0_5.py")


@dataclass(frozen=True, slots=True)
class Serving:
    """`pie serve`, ready."""

    child: "subprocess.Popen[str]"
    url: str
    http_url: str
    home: Home

    def ended(self) -> tuple[int, str]:
        """The exit code, and what it said."""
        _, err = self.child.communicate(timeout=PATIENCE_S)
        return self.child.returncode, err


@contextmanager
def serving(home: Home, model: str, *arguments: str) -> Iterator[Serving]:
    home.config.write_text(f"[server]\nport = 0\ngrace_s = 60.0\n{model}")
    pie = Command({"PATH": os.environ["PATH"], "PIE_HOME": str(home.root), "PYTHONUNBUFFERED": "1"}, home.root)
    with pie.start("serve", "--json", *arguments) as child:
        try:
            assert child.stdout is not None and child.stderr is not None
            line = child.stdout.readline()
            assert line, child.stderr.read()
            ready = json.loads(line)
            yield Serving(child, ready["url"], ready["http_url"], home)
        finally:
            child.kill()


@pytest.fixture
def own_home(home: Home, tmp_path: Path) -> Home:
    return home_beside(home, tmp_path / "home")


@pytest.fixture
def dummy(tmp_path: Path) -> str:
    (tmp_path / "model").mkdir()
    return f'[[model]]\nname = "m"\nhf_repo = "{model_without_weights(tmp_path / "model")}"\ndriver.type = "dummy"\n'


@pytest.fixture
def talk(home: Home, tmp_path: Path) -> Built:
    return built("talk", home, tmp_path)


@pytest.fixture
def new_key(own_home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Makes a user, and his private key's file."""

    def make(name: str, key: PrivateKey | None = None) -> Path:
        path = tmp_path / f"{name}.key"
        path.write_text(new_user(own_home, name, key))
        path.chmod(0o600)
        return path

    return make


@pytest.fixture
def guarded(own_home: Home, dummy: str) -> Iterator[Serving]:
    """Only for those who have a key."""
    with serving(own_home, dummy) as server:
        yield server


@pytest.fixture
def unguarded(own_home: Home, dummy: str) -> Iterator[Serving]:
    with serving(own_home, dummy, "--no-auth") as server:
        yield server


NewKey = Callable[..., Path]


@pytest.mark.parametrize(
    "key",
    [None, ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["ed25519", "p256", "p384", "rsa2048"],
)
def test_0_4_logs_in_with_every_kind_of_key(
    guarded: Serving, client_0_4: Published, new_key: NewKey, key: PrivateKey | None
) -> None:
    assert client_0_4(guarded.url, "log_in", "alice", new_key("alice", key)) == "in"


def test_0_4_does_everything(guarded: Serving, client_0_4: Published, new_key: NewKey, talk: Built) -> None:
    alice, bob = ("alice", new_key("alice")), ("bob", new_key("bob"))

    def see(scenario: str, *arguments: object, user: tuple[str, Path] = alice) -> Any:
        return client_0_4(guarded.url, scenario, *user, *arguments)

    assert see("upload", talk.wasm, talk.manifest, TALK) == [False, True, True, False]
    said = [["message", "one "], ["message", "two "], ["message", "three"], ["return", "one two three"]]
    assert see("stream", TALK) == said
    assert see("stream", "talk") == said
    assert see("talk") == ["return", 3, 3]
    assert see("files") == [[True, True, True], "[3, 0, 1048576]"]
    assert see("terminate", TALK) == [[True], "alice", "error"]
    assert see("many", TALK, 20) == [list(range(20)), [0, 1, 2]]
    left = see("leave", TALK)
    assert "Permission denied" in see("refused", left, user=bob)
    rest = see("attach", left)
    assert rest
    assert rest == said[-len(rest) :]  # what was said before the first one had gone went there
    assert "Process not found" in see("refused", left)


def test_programs_are_there_after_a_restart(
    own_home: Home, dummy: str, client_0_4: Published, new_key: NewKey, talk: Built
) -> None:
    alice = ("alice", new_key("alice"))
    with serving(own_home, dummy) as server:
        client_0_4(server.url, "upload", *alice, talk.wasm, talk.manifest, TALK)
        server.child.send_signal(signal.SIGKILL)
    with serving(own_home, dummy) as server:
        assert client_0_4(server.url, "stream", *alice, "talk")[-1] == ["return", "one two three"]


def test_without_the_right_key_nobody_gets_anywhere(
    guarded: Serving, client_0_4: Published, new_key: NewKey, talk: Built, tmp_path: Path
) -> None:
    alice, mallory = new_key("alice"), new_key("mallory")
    wrong = client_0_4.start(guarded.url, "log_in", "alice", mallory)
    assert (wrong.returncode, "Signature verification failed" in wrong.stderr) == (1, True)
    stranger = client_0_4.start(guarded.url, "log_in", "nobody", alice)
    assert (stranger.returncode, "is not authorized" in stranger.stderr) == (1, True)
    keyless = client_0_4.start(guarded.url, "upload", "alice", "-", talk.wasm, talk.manifest, TALK)
    assert (keyless.returncode, "no private key provided" in keyless.stderr) == (1, True)
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/responses"):
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "prompt": "hi", "input": "hi"}
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            assert httpx.post(guarded.http_url + path, json=body, headers=headers, timeout=PATIENCE_S).status_code == 401
    assert httpx.get(f"{guarded.http_url}/v1/models", timeout=PATIENCE_S).status_code == 401


def test_an_upload_that_breaks_off_leaves_nothing(guarded: Serving, client_0_4: Published, new_key: NewKey, talk: Built) -> None:
    alice = ("alice", new_key("alice"))
    for _ in range(3):
        client_0_4(guarded.url, "half_an_upload", *alice, talk.wasm, talk.manifest)
    assert not [path for path in guarded.home.programs.rglob("*") if path.is_file()]
    assert client_0_4(guarded.url, "upload", *alice, talk.wasm, talk.manifest, TALK) == [False, True, True, False]


def test_0_4_s_command_line_submits_by_path_and_by_name(
    guarded: Serving, client_0_4: Published, new_key: NewKey, talk: Built, tmp_path: Path
) -> None:
    host, _, port = guarded.url.removeprefix("ws://").rpartition(":")
    who = ["--host", host, "--port", port, "--username", "alice", "--private-key-path", new_key("alice")]
    by_path = client_0_4.cli("submit", "-p", talk.wasm, "-m", talk.manifest, *who, "--", "--do", "stream")
    assert "Inferlet installed successfully" in by_path.stdout, by_path
    assert "Completed: one two three" in by_path.stdout.replace("\n", " "), by_path
    by_name = client_0_4.cli("submit", TALK, *who, "--", "--do", "print_and_send")
    assert "the value" in by_name.stdout, by_name
    assert client_0_4.cli("ping", *who).returncode == 0


def test_0_5_does_everything(unguarded: Serving, client_0_5: Published, talk: Built) -> None:
    assert client_0_5(unguarded.url, "log_in") == "in"
    assert client_0_5(unguarded.url, "upload", talk.wasm, talk.manifest, TALK) == [False, True]
    assert client_0_5(unguarded.url, "run_by_bare_name", "talk") == ["the value", "a print\na message"]
    assert client_0_5(unguarded.url, "files") == [[3, "A", None], [600_000, "X", None]]
    assert client_0_5(unguarded.url, "named_file", TALK) == ["content", "notes.txt"]
    assert client_0_5(unguarded.url, "terminate_and_attach", TALK) == [True]


def test_0_5_sends_a_function_as_source(unguarded: Serving, client_0_5: Published) -> None:
    for _ in range(2):  # the second time it is there
        assert client_0_5(unguarded.url, "run_a_function") == [{"text": "HIHIHI"}, "before"]


def test_0_5_s_command_line_submits(unguarded: Serving, client_0_5: Published, talk: Built) -> None:
    host, _, port = unguarded.url.removeprefix("ws://").rpartition(":")
    who = ["--host", host, "--port", port, "--username", "somebody"]
    done = client_0_5.cli("submit", "-p", talk.wasm, "-m", talk.manifest, *who, "--", "--do", "stream")
    assert "one two three" in done.stdout, done


def test_0_5_learns_at_once_that_it_needs_a_key(guarded: Serving, client_0_5: Published, new_key: NewKey) -> None:
    new_key("somebody")
    refused = client_0_5.start(guarded.url, "log_in")
    assert refused.returncode == 1, refused


def test_told_to_stop_it_lets_a_client_s_processes_finish(own_home: Home, dummy: str, client_0_4: Published, talk: Built) -> None:
    with serving(own_home, dummy, "--no-auth") as server:
        client_0_4(server.url, "upload", "alice", "-", talk.wasm, talk.manifest, TALK)
        line = [client_0_4.folder / "bin" / "python", client_0_4.driver, server.url, "stream_slowly", "alice", "-", TALK]
        with subprocess.Popen(list(map(str, line)), stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "begun\n"
            server.child.send_signal(signal.SIGTERM)
            out, _ = client.communicate(timeout=PATIENCE_S)
        code, err = server.ended()
    assert json.loads(out)[-1] == ["return", "one two three"]
    assert (code, "Traceback" in err) == (0, False)


@pytest.mark.usefixtures("tiny_config")
def test_a_worker_that_dies_comes_back_for_the_same_client(own_home: Home, client_0_4: Published, tiny_config: Config) -> None:
    model = '[[model]]\nname = "pie-tiny"\nhf_repo = "pie-tiny"\ndriver.options.kv_cache_mb = 64\n'
    with serving(own_home, model, "--no-auth") as server:
        question = ("generate", "alice", "-", "What is the capital of France?")
        assert client_0_4(server.url, *question) == ["return", "The capital of France is Paris."]
        for worker in worker_ids(server.child.pid):
            os.kill(worker, signal.SIGKILL)
        assert client_0_4(server.url, *question) == ["return", "The capital of France is Paris."]
