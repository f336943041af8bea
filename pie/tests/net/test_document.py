"""docs/protocol.md names every message, with all of its fields, and what clients may compare."""

import re
import typing
from pathlib import Path

import pytest

from pie.net import login
from pie_wire import messages
from pie_wire.messages import ClientMessage, Message, ServerMessage

TEXT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
ALL: list[type[Message]] = [*typing.get_args(ClientMessage), *typing.get_args(ServerMessage)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__struct_config__.tag)
def test_every_message_stands_there_with_its_fields(kind: type[Message]) -> None:
    tag = kind.__struct_config__.tag
    (row,) = [line for line in TEXT.splitlines() if re.match(rf"\| [^|]*`{tag}`[^|]*\| *corr_id|\| `{tag}` \|", line)]
    fields = {field.split("(")[0].strip(" ?") for field in row.split("|")[2].split(",")}
    assert fields == set(kind.__struct_fields__)


@pytest.mark.parametrize(
    "text",
    [
        messages.AUTHENTICATED,
        messages.AUTHENTICATED_WITHOUT_AUTH,
        messages.ALREADY_AUTHENTICATED,
        login.INVALID_TOKEN,
        login.NO_PENDING,
        login.NOT_VERIFIED,
    ],
)
def test_every_text_of_the_login_stands_there(text: str) -> None:
    assert f"`{text}`" in TEXT


def test_what_a_listed_process_has_stands_there() -> None:
    assert all(f"`{name}`" in TEXT for name in messages.ListedProcess.__struct_fields__)
