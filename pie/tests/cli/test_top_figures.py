import pytest

from pie.server.status import ModelStatus, Status
from pie_cli.top_figures import Snapshot, bar, duration, figures, head_line, model_line


def model(**counts: float) -> ModelStatus:
    plain = dict.fromkeys(ModelStatus.__struct_fields__, 0)
    return ModelStatus(**{**plain, "driver": "torch on cpu", "kv_pages": 100, **counts})  # type: ignore[arg-type]


def snapshot(at_s: float, **counts: float) -> Snapshot:
    return Snapshot(at_s, Status("0.1.0", "ready", 10.0, {"m": model(**counts)}, {"live": 2, "returned": 5}, 3, 2), [])


def test_rates_are_those_since_the_look_before() -> None:
    before = snapshot(100.0, computed_tokens=1000, drawn_tokens=10, batches=10, requests=20, driver_s=5.0)
    (shown,) = figures(
        before, snapshot(102.0, computed_tokens=1500, drawn_tokens=30, batches=20, requests=60, driver_s=6.0, kv_pages_used=25)
    )
    assert (shown.computed_per_s, shown.drawn_per_s, shown.batch_size) == (250, 10, 4)
    assert (shown.busy_share, shown.kv_share) == (0.5, 0.25)


def test_the_first_look_shows_rates_since_the_start() -> None:
    (shown,) = figures(None, snapshot(0.0, computed_tokens=1000))
    assert shown.computed_per_s == 100


def test_nothing_happened_and_no_time_passed_is_no_error() -> None:
    (shown,) = figures(snapshot(1.0), snapshot(1.0))
    assert (shown.computed_per_s, shown.batch_size, shown.busy_share) == (0, 0, 0)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.9, "59 s"), (60, "1:00"), (3599, "59:59"), (3661, "1:01:01")])
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_bar_has_its_width_whatever_the_share() -> None:
    assert [bar(share, 4) for share in (-1, 0, 0.5, 1, 7)] == ["░░░░", "░░░░", "██░░", "████", "████"]


def test_the_lines_name_what_is_shown() -> None:
    now = snapshot(0.0, kv_pages_used=50, running=3)
    assert "2 live, 5 returned" in head_line(now, "ws://x")
    assert "ready" in head_line(now, "ws://x")
    line = model_line(figures(None, now)[0])
    assert "m (torch on cpu)" in line
    assert " 50%" in line
    assert "running 3" in line
