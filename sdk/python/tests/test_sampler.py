from typing import Any

import pytest

from inferlet import Sampler


def fields(sampler: Any) -> Any:
    record = sampler._record
    return record.temperature, record.top_k, record.top_p, record.min_p, record.seed


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (Sampler.argmax(), (0.0, 0, 1.0, 0.0, 0)),
        (Sampler.top_p(), (0.6, 0, 0.95, 0.0, 0)),
        (Sampler.top_p(0.0, 1.0), (0.0, 0, 1.0, 0.0, 0)),
        (Sampler.top_k(0.7, 10), (0.7, 10, 1.0, 0.0, 0)),
        (Sampler.min_p(), (0.6, 0, 1.0, 0.1, 0)),
        (Sampler.top_k_top_p(seed=7), (0.6, 40, 0.95, 0.0, 7)),
        (Sampler.multinomial(), (1.0, 0, 1.0, 0.0, 0)),
    ],
)
def test_each_way_to_draw_is_one_record(sampler: Any, expected: Any) -> None:
    assert fields(sampler) == expected


def test_several_draws_are_refused_with_a_hint_at_seeds() -> None:
    with pytest.raises(ValueError, match="seed="):
        Sampler.multinomial(1.0, 42)


def test_a_sampler_shows_what_it_does() -> None:
    assert repr(Sampler.top_k(0.5, 3)) == "Sampler(temperature=0.5, k=3, p=1.0, min_p=0.0, seed=0)"
