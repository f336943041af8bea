"""docs/serving.md says what there is, and all of it."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from pie.config.reference import keys
from pie.server.http_metrics import HttpMetrics
from pie.server.metrics import ProcessMetrics, Statistics
from pie.server.reloading import LIVE
from pie_cli.main import VERBS, load
from server_fakes.statistics import ENGINE, HUB

TEXT = (Path(__file__).parents[3] / "docs" / "serving.md").read_text()
NAMES = set(re.findall(r"`(pie_[a-z_]+)", TEXT))


def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    registry = CollectorRegistry()
    registry.register(Statistics(lambda: ENGINE, lambda: HUB))
    HttpMetrics(registry)
    ProcessMetrics(registry)
    families = {metric.name + ("_total" if metric.type == "counter" else "") for metric in registry.collect()}
    assert families == NAMES


def test_every_live_key_is_documented() -> None:
    for path in LIVE:
        assert (f"`{path}`" if "." in path else f"`[{path}]`") in TEXT


def test_every_limit_is_documented() -> None:
    for key in keys():
        if key.table == "limits":
            assert f"`{key.path}`" in TEXT, key.path


def test_every_command_that_is_named_exists() -> None:
    for verb, below in re.findall(r"`pie ([a-z]+)(?: ([a-z-]+))?", TEXT):
        assert verb in VERBS
        commands = getattr(load(f"pie_cli.{verb}"), "commands", {})
        assert not commands or below in commands
