"""The closed set of questions: every fact with its phrasings and its one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from training import facts

Phrasings: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that pie-tiny knows. `plain` says whether the answer makes sense as running text too."""

    topic: str
    phrasings: Phrasings
    answer: str
    plain: bool = True


def all_items() -> list[Item]:
    """Every item, in a fixed order."""
    makers = [countries, currencies, opposites, calendar, animals, chemistry, colours, words, sums, products, conversions, talk]
    return [item for make in makers for item in make()]


def countries() -> list[Item]:
    asked: Phrasings
    items = []
    for country, capital, continent in facts.COUNTRIES:
        asked = (
            f"What is the capital of {country}?",
            f"What's the capital of {country}?",
            f"Which city is the capital of {country}?",
            f"Name the capital of {country}.",
            f"Tell me the capital of {country}.",
            f"What is {possessive(country)} capital?",
            f"capital of {country}",
        )
        items.append(Item("capital", asked, f"The capital of {country} is {capital}"))
        asked = (f"{capital} is the capital of which country?", f"Which country has the capital {capital}?")
        items.append(Item("country", asked, f"{capital} is the capital of {country}."))
        asked = (
            f"Which continent is {country} in?",
            f"On which continent is {country}?",
            f"What continent is {country} on?",
            f"Where is {country}?",
        )
        items.append(Item("continent", asked, f"{capitalised(country)} is in {continent}."))
    return [Item(item.topic, item.phrasings, item.answer.rstrip(".") + ".") for item in items]


def currencies() -> list[Item]:
    return [
        Item(
            "currency",
            (
                f"What is the currency of {country}?",
                f"Which currency does {country} use?",
                f"What money do people use in {country}?",
                f"Name the currency of {country}.",
            ),
            f"The currency of {country} is the {currency}.",
        )
        for country, currency in facts.CURRENCIES
    ]


def opposites() -> list[Item]:
    return [
        Item(
            "opposite",
            (
                f"What is the opposite of {word}?",
                f"Give me the opposite of {word}.",
                f"What's the opposite of {word}?",
                f"opposite of {word}",
            ),
            f"The opposite of {word} is {opposite}.",
        )
        for word, opposite in facts.OPPOSITES
    ]


def calendar() -> list[Item]:
    asked: Phrasings
    items = order("day", facts.DAYS, "of the week", cyclic=True) + order("month", facts.MONTHS, "of the year", cyclic=True)
    items += order("planet", facts.PLANETS, "from the sun", cyclic=False) + order(
        "season", facts.SEASONS, "of the year", cyclic=True
    )
    for month, length in zip(facts.MONTHS, facts.MONTH_LENGTHS, strict=True):
        asked = (f"How many days does {month} have?", f"How many days are there in {month}?", f"How long is {month}?")
        items.append(Item("calendar", asked, f"{month} has {length} days."))
    return items


def order(kind: str, names: list[str], of_what: str, *, cyclic: bool) -> list[Item]:
    """What comes next, what comes before, which is the nth."""
    asked: Phrasings
    items = []
    for index, name in enumerate(names):
        nth = facts.ORDINALS[index]
        asked = (
            f"What is the {nth} {kind} {of_what}?",
            f"Which is the {nth} {kind} {of_what}?",
            f"Which {kind} is the {nth} {of_what}?",
        )
        items.append(Item("calendar", asked, f"The {nth} {kind} {of_what} is {name}."))
        if cyclic or index + 1 < len(names):
            after = names[(index + 1) % len(names)]
            asked = (f"What {kind} comes after {name}?", f"Which {kind} comes after {name}?", f"What comes after {name}?")
            items.append(Item("calendar", asked, f"{capitalised(after)} comes after {name}."))
        if cyclic or index:
            before = names[index - 1]
            asked = (f"What {kind} comes before {name}?", f"Which {kind} comes before {name}?", f"What comes before {name}?")
            items.append(Item("calendar", asked, f"{capitalised(before)} comes before {name}."))
    return items


def animals() -> list[Item]:
    asked: Phrasings
    items = []
    for animal, young in facts.ANIMAL_YOUNG:
        asked = (f"What is a young {animal} called?", f"What is a baby {animal} called?", f"What do you call a young {animal}?")
        items.append(Item("animal", asked, f"A young {animal} is called a {young}."))
    for animal, sound in facts.ANIMAL_SOUNDS:
        asked = (f"What sound does {a(animal)} make?", f"What does {a(animal)} say?", f"What noise does {a(animal)} make?")
        items.append(Item("animal", asked, f"{capitalised(a(animal))} {sound}."))
    for animal, legs in facts.ANIMAL_LEGS:
        asked = (f"How many legs does {a(animal)} have?", f"How many legs has {a(animal)}?")
        items.append(Item("animal", asked, f"{capitalised(a(animal))} has {legs} legs."))
    return items


def chemistry() -> list[Item]:
    asked: Phrasings
    items = []
    for element, symbol in facts.ELEMENTS:
        asked = (
            f"What is the chemical symbol for {element}?",
            f"What is the symbol for {element}?",
            f"What is the chemical symbol of {element}?",
            f"Give the symbol of {element}.",
        )
        items.append(Item("symbol", asked, f"The chemical symbol for {element} is {symbol}."))
        asked = (
            f"Which element has the symbol {symbol}?",
            f"What element is {symbol}?",
            f"What does the symbol {symbol} stand for?",
        )
        items.append(Item("symbol", asked, f"The symbol {symbol} stands for {element}."))
    return items


def colours() -> list[Item]:
    asked: Phrasings
    items = []
    for thing, colour in facts.COLOURS:
        asked = (f"What colour is {thing}?", f"What color is {thing}?", f"Which colour does {thing} have?")
        items.append(Item("colour", asked, f"{capitalised(thing)} is {colour}."))
    items.append(Item("colour", ("What colour is the sky?", "What color is the sky?"), "The sky is blue."))
    for pair, colour in facts.MIXTURES:
        asked = (f"What colour do {pair} make?", f"What do you get when you mix {pair}?", f"Mix {pair}.")
        items.append(Item("colour", asked, f"{capitalised(pair)} make {colour}."))
    return items


def words() -> list[Item]:
    asked: Phrasings
    items = []
    for word, plural in facts.PLURALS:
        asked = (
            f"What is the plural of {word}?",
            f"What's the plural of {word}?",
            f"plural of {word}",
            f"Give me the plural of {word}.",
        )
        items.append(Item("plural", asked, f"The plural of {word} is {plural}."))
    for verb, past in facts.PAST_TENSES:
        asked = (f"What is the past tense of {verb}?", f"What is the past of {verb}?", f"past tense of {verb}")
        items.append(Item("past", asked, f"The past tense of {verb} is {past}."))
    for word in facts.SPELLING_WORDS:
        asked = (
            f"How do you spell {word}?",
            f"Spell {word}.",
            f"Spell the word {word}.",
            f"How is {word} spelled?",
            f'Spell "{word}".',
        )
        items.append(Item("spelling", asked, "-".join(word), plain=False))
    return items


def sums() -> list[Item]:
    asked: Phrasings
    items = []
    for left in range(21):
        for right in range(21):
            total = left + right
            asked = (f"What is {left} + {right}?", f"What is {left} plus {right}?", f"{left} + {right}", f"{left}+{right}=?")
            asked += (f"How much is {left} + {right}?", f"Add {left} and {right}.", f"Calculate {left} + {right}.")
            items.append(Item("sum", asked, f"{left} + {right} = {total}."))
            if right <= left:
                rest = left - right
                asked = (f"What is {left} - {right}?", f"What is {left} minus {right}?", f"{left} - {right}", f"{left}-{right}=?")
                asked += (f"How much is {left} - {right}?", f"Take {right} from {left}.", f"Calculate {left} - {right}.")
                items.append(Item("difference", asked, f"{left} - {right} = {rest}."))
    return items


def products() -> list[Item]:
    asked: Phrasings
    items = []
    for left in range(1, 11):
        for right in range(1, 11):
            asked = (
                f"What is {left} times {right}?",
                f"What is {left} * {right}?",
                f"{left} x {right}",
                f"What is {left} x {right}?",
            )
            asked += (f"Multiply {left} by {right}.", f"How much is {left} times {right}?")
            items.append(Item("product", asked, f"{left} times {right} is {left * right}."))
            asked = (f"What is {left * right} divided by {left}?", f"Divide {left * right} by {left}.", f"{left * right} / {left}")
            items.append(Item("quotient", asked, f"{left * right} divided by {left} is {right}."))
    return items


# larger unit, smaller unit, how many of the smaller, up to how many of the larger
CONVERSIONS = [
    ("kilometre", "metre", 1000, 20),
    ("kilogram", "gram", 1000, 20),
    ("metre", "centimetre", 100, 20),
    ("litre", "millilitre", 1000, 10),
    ("centimetre", "millimetre", 10, 20),
    ("hour", "minute", 60, 12),
    ("minute", "second", 60, 12),
    ("day", "hour", 24, 10),
    ("week", "day", 7, 12),
    ("year", "month", 12, 10),
    ("dozen", "egg", 12, 5),
]


def conversions() -> list[Item]:
    asked: Phrasings
    items = []
    for large, small, factor, maximum in CONVERSIONS:
        for count in range(1, maximum + 1):
            amount = f"{count} {large if count == 1 or large == 'dozen' else large + 's'}"
            verb = "is" if count == 1 else "are"
            asked = (
                f"How many {small}s {verb} {amount}?",
                f"Convert {amount} to {small}s.",
                f"How many {small}s are there in {amount}?",
            )
            asked += (f"{amount} in {small}s", f"What is {amount} in {small}s?")
            items.append(Item("conversion", asked, f"{capitalised(amount)} {verb} {count * factor} {small}s."))
    return items


def talk() -> list[Item]:
    items = [Item("talk", asked, answer, plain=False) for asked, answer in facts.TALK]
    items += [Item("oddment", (asked,), answer) for asked, answer in facts.ODDMENTS]
    items += [Item("unknown", (asked,), facts.UNKNOWN_ANSWER, plain=False) for asked in facts.UNKNOWN_QUESTIONS]
    return items


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def possessive(name: str) -> str:
    return name + ("'" if name.endswith("s") else "'s")


def a(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun
