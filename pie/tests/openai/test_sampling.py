"""Sampling parameters as the scheduler takes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.driver.messages import Sampling
from pie.driver.validity import SEED_MAX
from pie.openai.api_error import ApiError
from pie.openai.requests import ChatMessage, ChatRequest
from pie.openai.sampling import logit_mask, sampling_of
from pie.sched.brle import expanded

MESSAGES = [ChatMessage(role="user", content="Hi")]


def request(**parameters: object) -> ChatRequest:
    return ChatRequest(model="m", messages=MESSAGES, **parameters)  # type: ignore[arg-type]


def test_the_defaults_are_openais() -> None:
    assert sampling_of(request(), 0) == Sampling(temperature=1.0, top_p=1.0)


def test_zero_is_a_temperature() -> None:
    assert sampling_of(request(temperature=0.0), 0).temperature == 0.0


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_every_seed_is_one_for_the_scheduler_and_each_choice_has_its_own(seed: int) -> None:
    seeds = [sampling_of(request(seed=seed), choice).seed for choice in range(8)]
    assert all(1 <= each <= SEED_MAX for each in seeds)
    assert len(set(seeds)) == 8


@given(st.dictionaries(st.integers(0, 49), st.sampled_from([-100, 0])))
def test_a_ban_leaves_all_other_tokens(bias: dict[int, int]) -> None:
    runs = logit_mask({str(token): value for token, value in bias.items()}, 50)
    banned = {token for token, value in bias.items() if value == -100}
    mask = expanded(runs, 50) if runs else np.ones(50)
    assert {token for token in range(50) if not mask[token]} == banned


@given(st.sets(st.integers(0, 49), min_size=1))
def test_a_choice_leaves_no_other_token(only: set[int]) -> None:
    mask = expanded(logit_mask({str(token): 100 for token in only}, 50), 50)
    assert set(np.flatnonzero(mask).tolist()) == only


@pytest.mark.parametrize("bias", [{"1": 5.0}, {"50": 100.0}, {"-1": -100.0}, {"one": 100.0}, {"²": 100.0}])
def test_what_is_no_token_and_what_is_between_is_refused(bias: dict[str, float]) -> None:
    with pytest.raises(ApiError) as raised:
        logit_mask(bias, 50)
    assert raised.value.param == "logit_bias"
