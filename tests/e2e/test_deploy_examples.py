"""The examples of the platform, deployed with the verbs that their READMEs name, and asked."""

import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.deploy_platform import PATIENCE_S, Platform, platform

from pie.config.home import Home
from pie.programs.resolve import resolve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def here() -> Iterator[Platform]:
    with platform() as up:
        yield up


def test_word_count_answers_and_shows_every_report(here: Platform) -> None:
    backend = here.deploy("wordcount")
    with httpx.stream("GET", here.url(backend, "counts"), timeout=PATIENCE_S) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        answer = here.ask(backend, "text", "A rose is a rose is a rose.")
        shown = next(data(events))
    assert answer.json() == {
        "words": 8,
        "distinct": 3,
        "top": [{"word": "a", "count": 3}, {"word": "rose", "count": 3}, {"word": "is", "count": 2}],
    }
    assert shown == answer.json()
    here("backend", "undeploy", backend, "--wait")


def test_the_level_of_the_pictures_changes_while_they_come(here: Platform) -> None:
    backend = here.deploy("image")
    before = here.containers(backend)["threshold"]
    with httpx.stream("GET", here.url(backend, "shares"), timeout=PATIENCE_S) as events:
        pictures = data(events)
        assert 0.03 < next(pictures)["share"] < 0.05
        here("backend", "change-parameter", backend, "threshold", "level", "220")
        assert any(picture["share"] < 0.01 for picture in islice(pictures, 500))
    after = here.containers(backend)["threshold"]
    assert [after[key] for key in ("id", "pid", "started_at_ns", "restarts")] == [
        before[key] for key in ("id", "pid", "started_at_ns", "restarts")
    ]
    assert after["config_seq_applied"] == after["config_seq_wanted"] > before["config_seq_applied"]
    here("backend", "undeploy", backend, "--wait")


def test_staging_runs_beside_production_with_another_wording(here: Platform) -> None:
    here.deploy("staging", backend="production")
    here("backend", "fork", "production", "staging")
    here("backend", "change-parameter", "staging", "greet", "greeting", '"Good day"')
    here("backend", "change-parameter", "production", "greet", "greeting", '"Hi"', expect=3)
    here("backend", "deploy", "staging", "--wait")
    answers = [here.ask(backend, "ask", "World").text for backend in ("production", "staging")]
    assert answers == ["Hello, World!", "Good day, World!"]


def test_the_agent_asks_a_program_on_its_own_engine(here: Platform, home: Home) -> None:
    keep_what_was_built(home, here.home / "caches" / "engine")
    backend = here.deploy("agent")
    answer = here.ask(backend, "question", "What is the capital of France?")
    assert answer.json() == {"answer": "The capital of France is Paris.", "valid": True, "problems": []}
    here("backend", "undeploy", backend, "--wait")


def data(events: httpx.Response) -> Iterator[Any]:
    """What server-sent events say."""
    return (json.loads(line.removeprefix("data: ")) for line in events.iter_lines() if line.startswith("data: "))


def keep_what_was_built(home: Home, folder: Path) -> None:
    """The engine in the graph finds the program built already, as it would at its second deployment."""
    resolve("text-completion", home.built, print)
    source = home.root / "cache"
    shutil.copytree(source, folder / "cache", copy_function=os.link)
