import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from training.batches import END_ID, Batch, batch, row
from training.corpus import Segment
from training.train import schedule

DOCUMENT = [Segment("ask", 0.1), Segment("say", 1.0)]


@pytest.fixture
def tokenizer() -> Tokenizer:
    """One token per byte, the numbers from 1 on."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(
        models.BPE(vocab={"<end>": END_ID} | {character: 1 + index for index, character in enumerate(alphabet)}, merges=[])
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return made


def make(tokenizer: Tokenizer, step: int) -> Batch:
    return batch(tokenizer, seed=1, step=step, rows=2, length=64)


def test_a_batch_depends_on_its_seed_and_step_alone(tokenizer: Tokenizer) -> None:
    assert torch.equal(make(tokenizer, 3).tokens, make(tokenizer, 3).tokens)
    assert not torch.equal(make(tokenizer, 3).tokens, make(tokenizer, 4).tokens)


def test_there_is_a_weight_for_every_token_to_foretell(tokenizer: Tokenizer) -> None:
    made = make(tokenizer, 0)
    assert made.tokens.shape == (2, 65)
    assert made.weights.shape == (2, 64)


def test_a_row_is_cut_to_length_and_parts_documents(tokenizer: Tokenizer) -> None:
    ids, weights = row(tokenizer, iter([DOCUMENT, DOCUMENT]), 10)
    assert (len(ids), len(weights)) == (10, 10)
    assert ids[6] == END_ID
    assert weights == [0.1] * 3 + [1.0] * 4 + [0.1] * 3


def test_the_learning_rate_rises_stays_and_falls_to_nearly_nothing() -> None:
    assert schedule(0, 1000) == pytest.approx(0.01)
    assert schedule(500, 1000) == 1.0
    assert schedule(850, 1000) == pytest.approx(0.5)
    assert 0 < schedule(999, 1000) < 0.01
