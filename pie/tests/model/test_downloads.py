import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pie.errors import ModelError, ModelNotFoundError
from pie.model.downloads import ARCHITECTURES, download, downloaded, remove
from pie.model.sources import resolve

CONFIG = {"architectures": ["Qwen3ForCausalLM"], "vocab_size": 8, "max_position_embeddings": 8}
FILES = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": b"weights", "pytorch_model.bin": b"the same again"}


class Hub(BaseHTTPRequestHandler):
    """As much of huggingface.co as a download needs. The repository is `owner/model`."""

    COMMIT = "0123456789abcdef0123456789abcdef01234567"
    files: Mapping[str, bytes] = FILES

    def do_GET(self) -> None:
        if "/api/models/owner/model/tree/" in self.path:
            tree = [{"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in self.files.items()]
            self._answer(json.dumps(tree).encode())
        elif self.path.startswith("/api/models/owner/model/"):
            siblings = [{"rfilename": name} for name in self.files]
            self._answer(json.dumps({"id": "owner/model", "sha": self.COMMIT, "siblings": siblings}).encode())
        elif self.path.startswith("/owner/model/resolve/"):
            self._answer(self.files[self.path.rpartition("/")[2]])
        else:
            self._answer(b"{}", 401 if "gated" in self.path else 404)

    do_HEAD = do_GET

    def _answer(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        if status != 200:
            self.send_header("X-Error-Code", "GatedRepo" if status == 401 else "RepoNotFound")
        self.send_header("X-Repo-Commit", self.COMMIT)
        self.send_header("ETag", f'"{len(content)}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the base class says so)
        """Tests are quiet."""


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def hub() -> Iterator[str]:
    with serving() as url:
        yield url


def test_a_download_brings_what_pie_needs_and_nothing_else(hub: str, tmp_path: Path) -> None:
    folder = download("owner/model", cache=tmp_path, endpoint=hub)
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert resolve("owner/model", cache=tmp_path) == folder


def test_everything_is_everything(hub: str, tmp_path: Path) -> None:
    folder = download("owner/model", everything=True, cache=tmp_path, endpoint=hub)
    assert {path.name for path in folder.iterdir()} == set(FILES)


def test_a_downloaded_model_is_listed_and_can_be_removed(hub: str, tmp_path: Path) -> None:
    download("owner/model", cache=tmp_path, endpoint=hub)
    (entry,) = downloaded(tmp_path)
    assert (entry.repository, entry.architecture, entry.is_supported) == ("owner/model", "Qwen3ForCausalLM", True)
    assert remove("owner/model", tmp_path) > 0
    assert downloaded(tmp_path) == []


def test_an_empty_machine_has_no_models(tmp_path: Path) -> None:
    assert downloaded(tmp_path / "nothing") == []
    with pytest.raises(ModelNotFoundError, match="is not in the cache"):
        remove("owner/model", tmp_path / "nothing")


def test_a_repository_that_does_not_exist_is_an_error(hub: str, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no repository 'owner/other'"):
        download("owner/other", cache=tmp_path, endpoint=hub)


def test_a_gated_repository_says_how_to_get_in(hub: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"accept its terms on https://huggingface\.co/owner/gated"):
        download("owner/gated", cache=tmp_path, endpoint=hub)


def test_without_a_network_the_error_says_what_else_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="copy the model's folder here"):
        download("owner/model", cache=tmp_path, endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["pie-tiny", "a/../b", "https://huggingface.co/a/b"])
def test_what_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFoundError, match="is no repository"):
        download(name)


def test_the_architectures_are_those_that_the_worker_reads() -> None:
    from pie_worker.models.families import FAMILIES

    assert set(ARCHITECTURES) == set(FAMILIES)
