"""A real program in the real sandbox answers a route."""

from pathlib import Path

import pytest

from openai_fakes.serving import MODEL, QUESTION, configuration, serving
from pie.config.config import OpenAIConfig


@pytest.mark.slow
async def test_an_example_answers_chat_completions(tmp_path: Path, pie_cache: Path) -> None:
    (tmp_path / "cache").symlink_to(pie_cache)
    programs = OpenAIConfig(chat_completions="text-completion")
    async with serving(tmp_path, configuration("torch", openai=programs)) as served:
        await served.engine.library.find("local", "text-completion")  # builds and compiles it, which may take long
        client, extra = served.client(), {"prompt": QUESTION, "temperature": 0.0}
        answer = await client.chat.completions.create(model=MODEL, messages=[], extra_body=extra)
        assert answer.choices[0].message.content == "The capital of France is Paris."
        stream = await client.chat.completions.create(model=MODEL, messages=[], extra_body=extra, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces) == "The capital of France is Paris."
    assert len(pieces) > 3


async def test_a_program_that_is_not_there_is_the_servers_fault(tmp_path: Path) -> None:
    async with serving(tmp_path, configuration(openai=OpenAIConfig(completions="made-up"))) as served:
        reply = await served.post("/v1/completions", model=MODEL, prompt="x")
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "program_not_found")
