"""The vectorised sampler draws what the definition draws."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pie.driver.messages import Sampling
from pie.driver.sampling import allowed_tokens, draw, logprobs
from pie_worker.sampling import Draw, Draws, allowed_rows, choose

SIZES = st.sampled_from([5, 40, 300, 700])
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    top_k=st.sampled_from([0, 1, 2, 7, 255, 256, 400]),
    top_p=st.sampled_from([0.0, 0.2, 0.77, 0.999, 1.0]),
    min_p=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    seed=st.integers(0, 2**64 - 1),
)


def random_logits(rows: int, size: int, seed: int, has_ties: bool) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0.0, 3.0, (rows, size)).astype(np.float32)
    return np.round(logits) if has_ties else logits


@settings(max_examples=150, deadline=None)
@given(st.lists(SAMPLINGS, min_size=1, max_size=6), SIZES, st.integers(0, 2**32), st.booleans(), st.booleans(), st.integers(0, 3))
def test_every_row_is_drawn_as_defined(
    samplings: list[Sampling], size: int, seed: int, has_ties: bool, has_masks: bool, step: int
) -> None:
    logits = random_logits(len(samplings), size, seed, has_ties)
    bits = np.random.default_rng(seed + 1).random((len(samplings), size)) < 0.5
    bits[:, 0] = True
    masks = [np.packbits(row, bitorder="little").tobytes() if has_masks else b"" for row in bits]
    rows = [Draw(sampling, 10 * row, mask) for row, (sampling, mask) in enumerate(zip(samplings, masks, strict=True))]
    drawn = Draws(rows, size, 4, torch.device("cpu")).draw(torch.from_numpy(logits), step).tolist()
    expected = [
        draw(own, row.sampling, row.position + step, allowed_tokens(row.logit_mask, size))
        for own, row in zip(logits, rows, strict=True)
    ]
    assert drawn == expected


def test_a_row_draws_the_same_in_any_company() -> None:
    logits = torch.from_numpy(random_logits(3, 500, 1, has_ties=True))
    narrow, wide = Sampling(1.0, top_k=3, seed=4), Sampling(2.0, top_p=0.9999, seed=4)
    cpu = torch.device("cpu")
    alone = Draws([Draw(narrow, 5)], 500, 1, cpu).draw(logits[:1], 0).tolist()
    together = Draws([Draw(narrow, 5), Draw(wide, 5), Draw(Sampling(), 5)], 500, 1, cpu).draw(logits, 0).tolist()
    assert together[0] == alone[0]


def test_draws_follow_the_probabilities() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]])).expand(4000, 3)
    rows = [Draw(Sampling(1.0, seed=seed), 1) for seed in range(4000)]
    counts = torch.bincount(Draws(rows, 3, 1, torch.device("cpu")).draw(logits, 0), minlength=3)
    assert torch.allclose(counts / 4000, torch.tensor([0.5, 0.3, 0.2]), atol=0.03)


def test_top_p_is_a_share_of_all_that_a_wide_top_k_keeps() -> None:
    logits = random_logits(1, 700, 0, has_ties=False)
    sampling = Sampling(temperature=2.5, top_k=400, top_p=0.2, seed=0)
    drawn = Draws([Draw(sampling, 0)], 700, 1, torch.device("cpu")).draw(torch.from_numpy(logits), 0)
    assert drawn.tolist() == [draw(logits[0], sampling, 0)]


def test_a_weight_of_zero_is_never_chosen() -> None:
    weights = torch.tensor([[0.0, 0.0, 0.7, 0.0, 0.3, 0.0]]).expand(3, 6)
    assert choose(weights, torch.tensor([0.0, 0.6999, 1.0])).tolist() == [2, 2, 4]


def test_masks_of_some_rows_leave_the_others_alone() -> None:
    allowed = allowed_rows([b"", b"\x05\x00"], 10, torch.device("cpu"))
    assert allowed is not None
    assert allowed[0].all()
    assert allowed[1].nonzero().ravel().tolist() == [0, 2]


def test_logits_that_are_no_numbers_still_give_tokens() -> None:
    logits = torch.full((3, 300), float("nan"))
    rows = [Draw(sampling, 1) for sampling in (Sampling(), Sampling(1.0), Sampling(1.0, top_k=3))]
    tokens = Draws(rows, 300, 1, torch.device("cpu")).draw(logits, 0)
    assert ((tokens >= 0) & (tokens < 300)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(SAMPLINGS, st.sampled_from([None, 0, 1, 5, 20])), min_size=1, max_size=5),
    SIZES,
    st.integers(0, 2**32),
    st.booleans(),
)
def test_logprobs_of_what_is_drawn_are_as_defined(
    rows: list[tuple[Sampling, int | None]], size: int, seed: int, has_masks: bool
) -> None:
    steps = [random_logits(len(rows), size, seed + step, has_ties=False) for step in range(3)]
    bits = np.random.default_rng(seed + 1).random((len(rows), size)) < 0.5
    bits[:, :2] = True
    masks = [np.packbits(row, bitorder="little").tobytes() if has_masks else b"" for row in bits]
    tops = [None if top is None else min(top, size) for _, top in rows]
    draws = Draws(
        [Draw(sampling, 10, mask, top) for (sampling, _), mask, top in zip(rows, masks, tops, strict=True)],
        size,
        3,
        torch.device("cpu"),
    )
    drawn = [draws.draw(torch.from_numpy(logits), step).tolist() for step, logits in enumerate(steps)]
    known = draws.logprobs.of_rows()
    assert sorted(known) == [row for row, top in enumerate(tops) if top is not None]
    for row, own in known.items():
        for step, logits in enumerate(steps):
            top = tops[row]
            assert top is not None
            expected, likeliest = logprobs(logits[row], drawn[step][row], top, allowed_tokens(masks[row], size))
            np.testing.assert_allclose(own.logprobs[step], expected, rtol=1e-4, atol=1e-4)
            possible = expected[1:] > -np.inf
            assert own.top_tokens[step][possible].tolist() == likeliest[possible].tolist()
