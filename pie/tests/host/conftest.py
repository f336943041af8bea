"""A served model on the dummy driver, and a guest that may use it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import sample_tokenizers
from pie.driver.dummy import DEFAULT_LIMITS, DummyDriver
from pie.host.guest import Guest
from pie.host.inbox import Inbox
from pie.host.long_text import TextDesk
from pie.host.outbox import Outbox
from pie.host.served import ServedModel
from pie.model.chat import ChatTemplate
from pie.model.model import LoadedModel
from pie.model.tokenizer import Tokenizer
from pie.processes.events import EventQueue
from pie.processes.process import Process
from pie.sched.scheduler import Scheduler
from pie.wasi.sinks import CaptureSink
from pie.wasi.state import WasiState
from pie.wasi.streams import SinkOutput


def loaded_model(name: str = "dummy") -> LoadedModel:
    """A model with a small real tokenizer and no weights; its vocabulary is as large as the dummy driver's."""
    tokenizer = Tokenizer(sample_tokenizers.byte_level(), DEFAULT_LIMITS.vocabulary_size)
    chat = ChatTemplate(tokenizer, sample_tokenizers.CHATML, lambda: datetime.now(UTC))
    return LoadedModel(
        name=name,
        folder=Path("/nowhere"),
        architecture="dummy",
        vocabulary_size=DEFAULT_LIMITS.vocabulary_size,
        context_max=DEFAULT_LIMITS.context_max,
        tokenizer=tokenizer,
        chat=chat,
        stop_tokens=tuple(chat.stop_tokens),
    )


def make_guest(served: ServedModel, process_id: str = "p1", username: str = "ada") -> Guest:
    queue = EventQueue(events_max=100, characters_max=10_000)
    process = Process(process_id, "test@0.1.0", username, "{}", 0, queue)
    wasi = WasiState(stdout=SinkOutput(CaptureSink()), stderr=SinkOutput(CaptureSink()))
    return Guest(process, wasi, {served.name: served}, Outbox(queue), Inbox())


@pytest.fixture
async def served() -> AsyncIterator[ServedModel]:
    scheduler = Scheduler(DummyDriver())
    await scheduler.start()
    yield ServedModel(loaded_model(), scheduler, TextDesk(loaded_model(), loaded_model))
    scheduler.check()
    await scheduler.close()


@pytest.fixture
def guest(served: ServedModel) -> Guest:
    return make_guest(served)
