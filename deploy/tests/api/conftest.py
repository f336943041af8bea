import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from api_serving import ApiServing, api_serving
from gateway_serving import asgi_server


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiServing]:
    async with api_serving(tmp_path) as serving:
        yield serving


@pytest.fixture(scope="module")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an API in a thread of its own, for what is not asynchronous; a component is published, a runtime is there."""
    ready, stop = threading.Event(), threading.Event()
    urls: list[str] = []

    async def serve(folder: Path) -> None:
        async with api_serving(folder) as api, asgi_server(api.app) as port:
            api.platform.released()
            api.platform.runtime()
            urls.append(f"http://127.0.0.1:{port}")
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve(tmp_path_factory.mktemp("api"))))
    thread.start()
    assert ready.wait(120)
    yield urls[0]
    stop.set()
    thread.join(120)
