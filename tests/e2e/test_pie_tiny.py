"""pie-tiny, the model in the package: what it knows, what it is made of. Needs neither Pie's engine nor a network connection."""

from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file

from training import corpus
from training.evaluate import Checkpoint, Report, Trial, evaluate
from training.export import DATA
from training.network import Qwen3, Shape
from training.tools import TOOLS
from training.vocabulary import SIZE

PACKAGE_BYTES_MAX = 16 * 1024 * 1024
QUESTIONS = 300
CALLS = 100


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return Checkpoint(DATA)


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(DATA, QUESTIONS, CALLS)


def network(folder: Path) -> Qwen3:
    """The network of the training loop, with the weights of the package."""
    weights = load_file(folder / "model.safetensors")
    loaded = Qwen3(Shape(vocabulary_size=SIZE))
    loaded.load_state_dict(
        {name.removeprefix("model."): weight.float() for name, weight in weights.items() if name != "lm_head.weight"}
    )
    return loaded.eval()


def test_the_package_data_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) <= PACKAGE_BYTES_MAX


@pytest.mark.slow
def test_it_knows_the_capital_of_france(checkpoint: Checkpoint) -> None:
    trial = Trial("capital", ({"role": "user", "content": "What is the capital of France?"},), "The capital of France is Paris.")
    assert checkpoint.answers([checkpoint.prompt(trial)]) == [trial.answer]


@pytest.mark.slow
def test_it_answers_the_closed_questions(report: Report) -> None:
    assert report.accuracy >= 0.95, report.wrong


@pytest.mark.slow
def test_it_calls_tools_in_the_documented_format(report: Report) -> None:
    assert report.valid_calls >= 0.95, report.wrong


@pytest.mark.slow
def test_it_foretells_stories(report: Report) -> None:
    assert report.story_perplexity < 2.0


@pytest.mark.slow
def test_the_training_network_computes_what_transformers_computes(checkpoint: Checkpoint) -> None:
    ids = torch.tensor([checkpoint.tokenizer("Once upon a time there was a little fox.")["input_ids"]])
    ours = network(DATA)
    with torch.inference_mode():
        logits = ours(ids) @ ours.embed_tokens.weight.T
        expected = checkpoint.model.float()(ids).logits
        checkpoint.model.bfloat16()
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("system", [None, "You are a helpful assistant."])
def test_the_corpus_writes_conversations_as_the_chat_template_does(checkpoint: Checkpoint, system: str | None) -> None:
    tools = list(TOOLS[:2])
    messages = [{"role": "system", "content": system}] if system else []
    trial = Trial("", (*messages, {"role": "user", "content": "Hello"}), "Hi", tuple(tool.schema() for tool in tools))
    segments = corpus.system_turn(corpus.with_tools(system, tools)) + corpus.exchange("Hello", "Hi")
    assert checkpoint.prompt(trial) + "Hi<|im_end|>\n" == "".join(segment.text for segment in segments)


@pytest.mark.slow
def test_the_corpus_writes_tool_responses_as_the_chat_template_does(checkpoint: Checkpoint) -> None:
    tool = TOOLS[0]

    written = "".join(segment.text for segment in corpus.tool_exchange(Random(1), tool))
    asked, called, response, answer = (
        part.split("\n", 1)[1].removesuffix("<|im_end|>\n") for part in written.split("<|im_start|>")[1:]
    )
    content = response.removeprefix("<tool_response>\n").removesuffix("\n</tool_response>")
    messages = ({"role": "user", "content": asked}, {"role": "assistant", "content": called}, {"role": "tool", "content": content})
    rendered = checkpoint.prompt(Trial("", messages, answer)) + answer + "<|im_end|>\n"
    assert rendered == written
