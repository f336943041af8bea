"""The routes do what their description says, whatever is sent to them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from openai_fakes.serving import configuration, serving
from pie.openai.schema import openapi

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server in a thread of its own: schemathesis is not asynchronous."""
    ready, stop = threading.Event(), threading.Event()
    urls: list[str] = []

    async def serve(folder: Path) -> None:
        async with serving(folder, configuration()) as served:
            urls.append(served.url)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve(tmp_path_factory.mktemp("home"))))
    thread.start()
    assert ready.wait(120)
    yield urls[0]
    stop.set()
    thread.join(120)


SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi()))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_no_request_is_answered_in_another_way_than_described(url: str, operation: schemathesis.schemas.APIOperation) -> None:
    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def is_as_described(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=url, checks=CHECKS)

    is_as_described()
