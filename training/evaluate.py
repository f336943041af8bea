"""Measures a pie-tiny checkpoint: `python -m training.evaluate [--json] [--questions N] [--calls N] [--folder FOLDER]`.

Printed are the share of the closed questions that are answered exactly (greedy), the share of tool calls that are exactly right
(name, arguments, format; the values are drawn anew: hardly any combination was seen in training), and the perplexity of text that
was held out: stories drawn with another seed, and docstrings.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from training import prose, stories
from training.export import DATA
from training.questions import all_items
from training.tools import TOOLS, call_text, draw_call

SEED = 7
BATCH_ROWS = 64
ANSWER_TOKENS_MAX = 96
PERPLEXITY_TOKENS_MAX = 1024
HELD_OUT_STORIES = 20
SYSTEM_PROMPT = "You are a helpful assistant."


@dataclass(frozen=True, slots=True)
class Trial:
    """A conversation's beginning, and the only answer that counts as right."""

    topic: str
    messages: tuple[dict[str, str], ...]
    answer: str
    tools: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`accuracy` and `valid_calls` are shares; the perplexities are per token of pie-tiny."""

    questions: int
    accuracy: float
    calls: int
    valid_calls: float
    story_perplexity: float
    prose_perplexity: float
    wrong: tuple[tuple[str, str, str], ...]


class Checkpoint:
    """A model and its tokenizer, loaded with `transformers`, without a network connection."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        self.tokenizer.padding_side = "left"
        self.model = Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, local_files_only=True).eval()

    def prompt(self, trial: Trial) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                list(trial.messages), tools=list(trial.tools) or None, tokenize=False, add_generation_prompt=True
            )
        )

    @torch.inference_mode()
    def answers(self, prompts: list[str]) -> list[str]:
        """Greedy answers, up to the end of the turn."""
        given = self.tokenizer(prompts, return_tensors="pt", padding=True)
        written = self.model.generate(**given, do_sample=False, max_new_tokens=ANSWER_TOKENS_MAX)
        fresh = written[:, given["input_ids"].shape[1] :]
        return [str(text).strip() for text in self.tokenizer.batch_decode(fresh, skip_special_tokens=True)]

    @torch.inference_mode()
    def perplexity(self, texts: Iterable[str]) -> float:
        loss, count = 0.0, 0
        for text in texts:
            ids = torch.tensor([self.tokenizer(text)["input_ids"][:PERPLEXITY_TOKENS_MAX]])
            loss += self.model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
            count += ids.shape[1] - 1
        return math.exp(loss / count)


def question_trials(count: int | None) -> list[Trial]:
    """One phrasing of each item, every other one after a system prompt; `count` of them, or all."""
    random = Random(SEED)
    trials = []
    for index, item in enumerate(all_items()):
        opening = ({"role": "system", "content": SYSTEM_PROMPT},) if index % 2 else ()
        asked = {"role": "user", "content": random.choice(item.phrasings)}
        trials.append(Trial(item.topic, (*opening, asked), item.answer))
    return trials if count is None else random.sample(trials, count)


def call_trials(count: int) -> list[Trial]:
    """Questions for one of one to three tools."""
    random = Random(SEED)
    trials = []
    for index in range(count):
        tools = random.sample(TOOLS, random.randint(1, 3))
        call = draw_call(random, random.choice(tools))
        opening = ({"role": "system", "content": SYSTEM_PROMPT},) if index % 2 else ()
        schemas = tuple(tool.schema() for tool in tools)
        trials.append(
            Trial(
                call.tool.name,
                (*opening, {"role": "user", "content": call.question}),
                call_text(call.tool.name, call.arguments),
                schemas,
            )
        )
    return trials


def wrong_answers(checkpoint: Checkpoint, trials: list[Trial]) -> list[tuple[str, str, str]]:
    """Topic, what was asked and what was answered, of each trial that went wrong."""
    by_length = sorted(((checkpoint.prompt(trial), trial) for trial in trials), key=lambda pair: len(pair[0]))
    wrong = []
    for start in range(0, len(by_length), BATCH_ROWS):
        rows = by_length[start : start + BATCH_ROWS]
        for (_, trial), answer in zip(rows, checkpoint.answers([prompt for prompt, _ in rows]), strict=True):
            if answer != trial.answer:
                wrong.append((trial.topic, trial.messages[-1]["content"], answer))
    return wrong


def evaluate(folder: Path, questions: int | None, calls: int) -> Report:
    checkpoint = Checkpoint(folder)
    asked, called = question_trials(questions), call_trials(calls)
    wrong, misused = wrong_answers(checkpoint, asked), wrong_answers(checkpoint, called)
    told = Random(SEED)
    return Report(
        questions=len(asked),
        accuracy=1 - len(wrong) / len(asked),
        calls=len(called),
        valid_calls=1 - len(misused) / len(called),
        story_perplexity=checkpoint.perplexity(stories.story(told) for _ in range(HELD_OUT_STORIES)),
        prose_perplexity=checkpoint.perplexity(prose.held_out_texts()),
        wrong=tuple(wrong + misused),
    )


def figures(report: Report) -> list[dict[str, object]]:
    """The report as the benches print theirs."""
    return [
        {"figure": "accuracy", "value": report.accuracy, "unit": "share", "target": ">= 0.95"},
        {"figure": "valid_calls", "value": report.valid_calls, "unit": "share", "target": ">= 0.95"},
        {"figure": "story_perplexity", "value": report.story_perplexity, "unit": "per token", "target": None},
        {"figure": "prose_perplexity", "value": report.prose_perplexity, "unit": "per token", "target": None},
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--questions", type=int, help="ask so many of the closed questions (default: all)")
    parser.add_argument("--calls", type=int, default=300, help="try so many tool calls")
    parser.add_argument("--folder", type=Path, default=DATA)
    arguments = parser.parse_args()
    report = evaluate(arguments.folder, arguments.questions, arguments.calls)
    print(json.dumps(figures(report)) if arguments.json else table(report))


def table(report: Report) -> str:
    lines = [f"{figure['figure']:<18} {figure['value']:>8.4f}  {figure['unit']}" for figure in figures(report)]
    lines += [f"wrong: {topic}: {count}" for topic, count in Counter(topic for topic, _, _ in report.wrong).most_common()]
    return "\n".join(lines + [f"  {asked!r} -> {answer!r}" for _, asked, answer in report.wrong[:20]])


if __name__ == "__main__":
    main()
