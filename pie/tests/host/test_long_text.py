"""Short texts are tokenised at once, long ones in a thread, and both the same."""

import asyncio
from typing import cast

import numpy as np
import pytest

from pie.errors import InvalidArgumentError
from pie.host import chat, model
from pie.host.guest import Guest
from pie.host.served import ServedModel
from pie.limits import TEXT_LENGTH_MAX, TEXT_LENGTH_ON_LOOP_MAX

LONG = "The quick brown fox. " * TEXT_LENGTH_ON_LOOP_MAX


async def test_a_short_text_is_encoded_at_once(guest: Guest, served: ServedModel) -> None:
    assert isinstance(model.encode(guest, model.tokenizer(guest, served), "Hello"), list)


async def test_the_loop_goes_on_while_a_long_text_is_encoded(guest: Guest, served: ServedModel) -> None:
    encoding = model.encode(guest, model.tokenizer(guest, served), LONG)
    turns = 0
    while not cast(asyncio.Future[list[int]], encoding).done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 1
    assert model.decode(guest, model.tokenizer(guest, served), np.array(await encoding, np.uint32)) == LONG  # type: ignore[misc]


async def test_a_long_conversation_has_the_same_tokens_as_its_template_says(guest: Guest, served: ServedModel) -> None:
    tokens = await cast(asyncio.Future[list[int]], chat.encode(guest, served, [("user", LONG), ("cue", None)], False))
    assert tokens == served.loaded.chat.encode([("user", LONG), ("cue", None)], following=False)


async def test_a_text_beyond_every_context_is_refused(guest: Guest, served: ServedModel) -> None:
    with pytest.raises(InvalidArgumentError, match="characters"):
        model.encode(guest, model.tokenizer(guest, served), "x" * (TEXT_LENGTH_MAX + 1))
