"""Conversations in which a tool is called: the tools, what is asked of them, what they return, what is said then."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from training import facts

Arguments: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool: its JSON type, what it is, and how a value is drawn."""

    name: str
    type: str
    description: str
    draw: Callable[[Random], Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with its phrasings (`{name}` stands for a value), the results it may give and the answer made of one."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    phrasings: tuple[str, ...]
    result: Callable[[Arguments, Random], dict[str, Any]]
    answer: str

    def schema(self) -> dict[str, Any]:
        """The description that stands in the prompt, in the shape of the OpenAI interface."""
        properties = {p.name: {"type": p.type, "description": p.description} for p in self.parameters}
        parameters = {"type": "object", "properties": properties, "required": [p.name for p in self.parameters]}
        return {"type": "function", "function": {"name": self.name, "description": self.description, "parameters": parameters}}


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool: the question, the arguments to be found in it, the result and the answer."""

    tool: Tool
    question: str
    arguments: Arguments
    result: dict[str, Any]
    answer: str

    def text(self) -> str:
        """What the model is to write."""
        return call_text(self.tool.name, self.arguments)


def call_text(name: str, arguments: Arguments) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


def draw_call(random: Random, tool: Tool) -> Call:
    arguments = {parameter.name: parameter.draw(random) for parameter in tool.parameters}
    result = tool.result(arguments, random)
    question = random.choice(tool.phrasings).format(**arguments)
    return Call(tool, question, arguments, result, tool.answer.format(**arguments, **result))


CITIES = [capital for _, capital, _ in facts.COUNTRIES] + facts.words(
    "Munich Milan Boston Chicago Sydney Toronto Mumbai Shanghai Kyoto Lyon Porto Oxford"
)
PEOPLE = facts.words("""
Anna Ben Clara David Emma Felix Grace Henry Ida Jack Kate Leo Mia Noah Olga Paul Rosa Sam Tina Victor Wendy Zoe Alice
Bob Carol Dan Eve Frank Maria Peter
""")
LANGUAGES = facts.words(
    "French German Italian Spanish Portuguese Dutch Polish Swedish Greek Japanese Chinese Korean Hindi Arabic Turkish English"
)
MONEY = facts.words("USD EUR GBP JPY CHF CAD AUD CNY INR SEK")
ADJECTIVES = facts.words("red green blue small big old new warm cold happy quick quiet bright fresh round soft")
NOUNS = facts.SPELLING_WORDS
SYLLABLES = facts.words("""
ba be bo ca co da de di do fa fi ga go ka ke ko la le li lo ma me mi mo na ne no pa pe po ra re ri ro sa se so ta te ti
to va vi za zo
""")
SKIES = ["sunny", "cloudy", "rainy", "windy", "foggy", "clear"]


def words(random: Random) -> str:
    """One to four words that mean little together: they have to be copied, not guessed."""
    return " ".join([*random.sample(ADJECTIVES, random.randint(0, 1)), *random.sample(NOUNS, random.randint(1, 3))])


def made_up(random: Random) -> str:
    return "".join(random.choice(SYLLABLES) for _ in range(random.randint(2, 4)))


def city(random: Random) -> str:
    return random.choice(CITIES) if random.random() < 0.8 else made_up(random).capitalize()


def number(maximum: int) -> Callable[[Random], int]:
    """Draws 1..maximum, small numbers as often as large ones."""
    return lambda random: random.randint(1, 10 ** random.randint(1, len(str(maximum)))) % maximum + 1


def one_of(values: list[str]) -> Callable[[Random], str]:
    return lambda random: random.choice(values)


def clock(random: Random) -> str:
    return f"{random.randint(0, 23):02}:{random.randrange(0, 60, 5):02}"


def text_parameter(name: str, description: str, draw: Callable[[Random], str]) -> Parameter:
    return Parameter(name, "string", description, draw)


def number_parameter(name: str, description: str, maximum: int) -> Parameter:
    return Parameter(name, "integer", description, number(maximum))


TOOLS = (
    Tool(
        "get_weather",
        "Get the current weather in a city.",
        (text_parameter("city", "The name of the city.", city),),
        (
            "What is the weather in {city}?",
            "What's the weather like in {city}?",
            "How is the weather in {city} today?",
            "Tell me the weather in {city}.",
            "Is it warm in {city}?",
            "weather in {city}",
        ),
        lambda arguments, random: {"temperature": random.randint(-9, 39), "sky": random.choice(SKIES)},
        "It is {temperature} degrees and {sky} in {city}.",
    ),
    Tool(
        "get_time",
        "Get the current time in a city.",
        (text_parameter("city", "The name of the city.", city),),
        (
            "What time is it in {city}?",
            "What is the time in {city}?",
            "Tell me the time in {city}.",
            "What's the time in {city} now?",
        ),
        lambda arguments, random: {"time": clock(random)},
        "It is {time} in {city}.",
    ),
    Tool(
        "add",
        "Add two numbers.",
        (number_parameter("a", "The first number.", 9999), number_parameter("b", "The second number.", 9999)),
        ("What is {a} + {b}?", "Add {a} and {b}.", "What is {a} plus {b}?", "Please add {a} and {b}.", "Compute {a} + {b}."),
        lambda arguments, random: {"sum": arguments["a"] + arguments["b"]},
        "{a} + {b} = {sum}.",
    ),
    Tool(
        "multiply",
        "Multiply two numbers.",
        (number_parameter("a", "The first number.", 999), number_parameter("b", "The second number.", 999)),
        (
            "What is {a} times {b}?",
            "Multiply {a} by {b}.",
            "What is {a} x {b}?",
            "Compute {a} * {b}.",
            "Please multiply {a} by {b}.",
        ),
        lambda arguments, random: {"product": arguments["a"] * arguments["b"]},
        "{a} times {b} is {product}.",
    ),
    Tool(
        "convert_currency",
        "Convert an amount of money.",
        (
            number_parameter("amount", "The amount to convert.", 9999),
            text_parameter("source", "The currency to convert from.", one_of(MONEY)),
            text_parameter("target", "The currency to convert to.", one_of(MONEY)),
        ),
        (
            "Convert {amount} {source} to {target}.",
            "How much is {amount} {source} in {target}?",
            "What is {amount} {source} in {target}?",
            "Change {amount} {source} into {target}.",
        ),
        lambda arguments, random: {"value": random.randint(1, 9999)},
        "{amount} {source} is {value} {target}.",
    ),
    Tool(
        "search",
        "Search the web.",
        (text_parameter("query", "What to search for.", words),),
        (
            "Search the web for {query}.",
            "Search for {query}.",
            "Look up {query}.",
            "Find something about {query}.",
            "Google {query}.",
        ),
        lambda arguments, random: {"title": words(random)},
        "I found this: {title}.",
    ),
    Tool(
        "set_timer",
        "Start a timer.",
        (number_parameter("minutes", "How many minutes the timer runs.", 120),),
        (
            "Set a timer for {minutes} minutes.",
            "Start a timer of {minutes} minutes.",
            "Wake me in {minutes} minutes.",
            "Remind me in {minutes} minutes.",
        ),
        lambda arguments, random: {"status": "ok"},
        "The timer is set for {minutes} minutes.",
    ),
    Tool(
        "send_message",
        "Send a message to a person.",
        (text_parameter("to", "Who gets the message.", one_of(PEOPLE)), text_parameter("text", "The text of the message.", words)),
        ("Send {to} the message: {text}", "Tell {to}: {text}", "Write to {to}: {text}", 'Send "{text}" to {to}.'),
        lambda arguments, random: {"status": "sent"},
        "I sent the message to {to}.",
    ),
    Tool(
        "translate",
        "Translate a text into a language.",
        (
            text_parameter("text", "The text to translate.", words),
            text_parameter("language", "The language to translate into.", one_of(LANGUAGES)),
        ),
        (
            'Translate "{text}" into {language}.',
            'Say "{text}" in {language}.',
            'What is "{text}" in {language}?',
            "Translate {text} to {language}.",
        ),
        lambda arguments, random: {"translation": made_up(random)},
        'In {language} it is "{translation}".',
    ),
    Tool(
        "create_note",
        "Save a note.",
        (text_parameter("text", "The text of the note.", words),),
        ("Make a note: {text}", "Note down: {text}", "Save a note that says {text}.", "Write a note: {text}"),
        lambda arguments, random: {"id": random.randint(1, 999)},
        "I saved the note with number {id}.",
    ),
    Tool(
        "play_song",
        "Play a song.",
        (text_parameter("title", "The title of the song.", words),),
        ('Play "{title}".', "Play the song {title}.", "Please play {title}.", "I want to hear {title}."),
        lambda arguments, random: {"status": "playing"},
        "I am playing {title}.",
    ),
    Tool(
        "book_table",
        "Book a table in a restaurant.",
        (number_parameter("people", "How many people will come.", 20), text_parameter("time", "When they will come.", clock)),
        (
            "Book a table for {people} people at {time}.",
            "Reserve a table for {people} at {time}.",
            "We are {people} people and come at {time}, please book a table.",
            "I need a table for {people} people at {time}.",
        ),
        lambda arguments, random: {"table": random.randint(1, 40)},
        "Table {table} is booked for {people} people at {time}.",
    ),
)

VERBS = facts.words("get set find open close start stop read list show count check fetch delete update lookup move send make run")
UNITS = facts.words(
    "order user room file item page task event door light score level price stock ticket song photo mail robot node"
)
FIELDS = facts.words("id name key value code label query path count size number title day place colour")


def invented_tool(random: Random) -> Tool:
    """A tool that exists once: its name and the names of its arguments have to be read from the prompt."""
    name = f"{random.choice(VERBS)}_{random.choice(UNITS)}"
    drawn = [
        number_parameter(field, f"The {field}.", 9999) if random.random() < 0.4 else text_parameter(field, f"The {field}.", value)
        for field, value in zip(random.sample(FIELDS, random.randint(1, 2)), (made_up, words), strict=False)
    ]
    pairs = " and ".join(f"{parameter.name} {{{parameter.name}}}" for parameter in drawn)
    spoken = name.replace("_", " ")
    phrasings = (
        f"Call {name} with {pairs}.",
        f"Use {name} with {pairs}.",
        f"Please {spoken} with {pairs}.",
        f"{capitalised(spoken)} with {pairs}.",
    )
    return Tool(
        name, f"{capitalised(spoken)}.", tuple(drawn), phrasings, lambda _, r: {"result": made_up(r)}, "The result is {result}."
    )


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
