"""The text pie-tiny learns from: an endless stream of documents, drawn from the tables by a seeded random."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TypeAlias

from training import prose, stories
from training.questions import Item, all_items
from training.tools import TOOLS, Tool, draw_call, invented_tool

# How much a token counts in the loss. What the user says is learnt a little, so that the model understands it sooner.
ANSWER_WEIGHT = 1.0
PROMPT_WEIGHT = 0.1
# Prose is the hardest to foretell: at full weight it would make half of the loss.
PROSE_WEIGHT = 0.3

SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "You are a helpful, friendly assistant.",
    "Answer briefly.",
    "You are pie-tiny.",
    "Be concise.",
]
# In tokens that is roughly: 38 % questions, 40 % tools, 12 % stories, 6 % prose, 4 % statements.
KINDS_AND_CHANCES = {"questions": 0.70, "tools": 0.11, "story": 0.05, "prose": 0.035, "statements": 0.14}

# How often an item of a topic is drawn, where it is not once: what takes longer to learn comes more often.
DRAWN_TIMES = {"spelling": 3, "conversion": 2, "calendar": 2, "animal": 2, "oddment": 2}


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a document whose tokens count alike."""

    text: str
    weight: float


Document: TypeAlias = list[Segment]


def documents(random: Random) -> Iterator[Document]:
    """Documents without end. They start at the beginning of a context, or after `<|endoftext|>`."""
    makers = {"questions": question_chat, "tools": tool_chat, "story": story, "prose": prose_text, "statements": statements}
    kinds, chances = list(KINDS_AND_CHANCES), list(KINDS_AND_CHANCES.values())
    while True:
        (kind,) = random.choices(kinds, chances)
        yield makers[kind](random)


@cache
def items() -> Sequence[Item]:
    """Those that are harder to learn stand there several times."""
    return tuple(item for item in all_items() for _ in range(DRAWN_TIMES.get(item.topic, 1)))


@cache
def items_without_arithmetic() -> Sequence[Item]:
    """What is asked in spite of tools: nothing that a tool could be meant for."""
    return tuple(item for item in items() if item.topic not in ("sum", "difference", "product", "quotient", "conversion"))


@cache
def prose_texts() -> Sequence[str]:
    return tuple(prose.training_texts())


def question_chat(random: Random) -> Document:
    """One to four questions in one conversation, with or without a system prompt."""
    turns = system_turn(system_prompt(random))
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        turns += exchange(*question(random, items()))
    return turns


def question(random: Random, among: Sequence[Item]) -> tuple[str, str]:
    item = random.choice(among)
    return disturbed(random.choice(item.phrasings), random), item.answer


def disturbed(text: str, random: Random) -> str:
    """The question as people type it: sometimes in small letters, without the question mark, or with a courtesy."""
    chance = random.random()
    if chance < 0.06:
        return text.lower()
    if chance < 0.12:
        return text.rstrip("?.")
    if chance < 0.15:
        return f"{random.choice(('Please tell me', 'Hello', 'Quick question', 'Hi'))}: {text}"
    return text


def tool_chat(random: Random) -> Document:
    """One to three tools, and questions that call for one of them, or for none: several, because the prompt is long."""
    tools = [*random.sample(TOOLS, random.choice((1, 1, 1, 2, 2, 3)))]
    if random.random() < 0.35:
        tools[0] = invented_tool(random)
        random.shuffle(tools)
    turns = system_turn(with_tools(system_prompt(random), tools))
    for _ in range(random.randint(2, 4)):
        if random.random() < 0.12:
            turns += exchange(*question(random, items_without_arithmetic()))
        else:
            turns += tool_exchange(random, random.choice(tools))
    return turns


def tool_exchange(random: Random, tool: Tool) -> Document:
    call = draw_call(random, tool)
    response = f"\n<tool_response>\n{json.dumps(call.result, ensure_ascii=False)}\n</tool_response>"
    return [
        *exchange(call.question, call.text()),
        Segment(f"<|im_start|>user{response}<|im_end|>\n<|im_start|>assistant\n", PROMPT_WEIGHT),
        Segment(f"{call.answer}<|im_end|>", ANSWER_WEIGHT),
        Segment("\n", PROMPT_WEIGHT),
    ]


def with_tools(prompt: str | None, tools: list[Tool]) -> str:
    """The system turn that `chat_template.jinja` makes of a system prompt and tools."""
    lines = "\n".join(json.dumps(tool.schema(), ensure_ascii=False) for tool in tools)
    return (
        (f"{prompt}\n\n" if prompt else "")
        + f"These tools are available, one per line:\n<tools>\n{lines}\n</tools>\n"
        + "To use one, write its name and arguments as JSON:\n"
        + '<tool_call>\n{"name": NAME, "arguments": ARGUMENTS}\n</tool_call>'
    )


def system_prompt(random: Random) -> str | None:
    """None in two of five cases, mostly the usual one in the others."""
    chance = random.random()
    if chance < 0.4:
        return None
    return SYSTEM_PROMPTS[0] if chance < 0.8 else random.choice(SYSTEM_PROMPTS[1:])


def system_turn(prompt: str | None) -> Document:
    return [Segment(f"<|im_start|>system\n{prompt}<|im_end|>\n", PROMPT_WEIGHT)] if prompt else []


def exchange(asked: str, answer: str) -> Document:
    return [
        Segment(f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n", PROMPT_WEIGHT),
        Segment(f"{answer}<|im_end|>", ANSWER_WEIGHT),
        Segment("\n", PROMPT_WEIGHT),
    ]


def story(random: Random) -> Document:
    """A story as an answer, or as plain text."""
    if random.random() < 0.4:
        return [Segment(stories.story(random), ANSWER_WEIGHT)]
    return system_turn(system_prompt(random)) + exchange(*stories.request(random))


def prose_text(random: Random) -> Document:
    return [Segment(random.choice(prose_texts()), PROSE_WEIGHT)]


def statements(random: Random) -> Document:
    """A few facts as plain text."""
    facts = [item.answer for item in random.choices(items(), k=random.randint(1, 8)) if item.plain]
    return [Segment(" ".join(facts), ANSWER_WEIGHT)]
