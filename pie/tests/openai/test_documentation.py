"""docs/openai.md: its examples run as they stand, and it names every parameter."""

import asyncio
import re
from pathlib import Path

import pytest

from openai_fakes.serving import Served
from pie.openai.requests import ChatRequest, CompletionRequest, ResponseRequest

DOCUMENT = Path(__file__).parents[3] / "docs" / "openai.md"
TEXT = DOCUMENT.read_text()


@pytest.mark.parametrize("kind", [ChatRequest, CompletionRequest, ResponseRequest])
def test_every_parameter_is_in_the_document(kind: type) -> None:
    missing = [name for name in kind.__struct_fields__ if f"`{name}`" not in TEXT]  # type: ignore[attr-defined]
    assert not missing


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_the_examples_run(tiny: Served) -> None:
    examples = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    program = "\n".join(examples).replace("http://127.0.0.1:8080", tiny.url)
    await asyncio.to_thread(exec, compile(program, str(DOCUMENT), "exec"), {})
