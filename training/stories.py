"""Stories from a small grammar: long enough to stream, simple enough to learn."""

from __future__ import annotations

from random import Random

from training import facts

ANIMALS = facts.words("fox bear rabbit mouse owl dog cat duck frog lion goat wolf pig horse bird")
NAMES = facts.words("Tom Lily Max Anna Ben Mia Sam Rosie Leo Nina Oscar Ella")
TRAITS = ["little", "brave", "clever", "kind", "shy", "hungry", "sleepy", "funny"]
PLACES = ["forest", "village", "garden", "valley", "meadow", "farm"]
LOST = ["red ball", "golden key", "blue hat", "silver bell", "little boat", "warm scarf", "round drum", "yellow kite"]
SPOTS = ["under a tree", "behind a rock", "near the river", "on the hill", "in an old barrel", "beside the well"]
WEATHERS = ["The sun was shining", "It was a rainy day", "Snow lay on the ground", "A soft wind was blowing"]
FOODS = ["apple pie", "warm soup", "fresh bread", "sweet berries", "a honey cake"]
FEELINGS = ["sad", "worried", "unhappy"]
LESSONS = [
    "a good friend is worth more than gold",
    "help comes to those who ask for it",
    "it is good to share",
    "every little step counts",
]


def story(random: Random, hero: str | None = None) -> str:
    """A story of about 180 words about `hero`, an animal (drawn if not given)."""
    hero = hero or random.choice(ANIMALS)
    helper = random.choice([animal for animal in ANIMALS if animal != hero])
    name, friend = random.sample(NAMES, 2)
    lost, place, spot, food = random.choice(LOST), random.choice(PLACES), random.choice(SPOTS), random.choice(FOODS)
    return " ".join(
        [
            f"Once upon a time there was a {random.choice(TRAITS)} {hero} named {name}.",
            f"{name} lived in a small house in the {place}.",
            f"Every day {name} played with a {lost}.",
            f"{random.choice(WEATHERS)}, and {name} went out for a walk.",
            f"But when {name} came home, the {lost} was gone.",
            f'"Oh no! Where is my {lost}?" said {name}.',
            f"{name} looked in the house and in the garden, but it was not there.",
            f"{name} was very {random.choice(FEELINGS)} and sat down to cry.",
            f"Then a {helper} named {friend} came along.",
            f'"Why are you crying?" asked {friend}.',
            f'"I have lost my {lost}," said {name}.',
            f'"Do not cry," said {friend}. "I will help you to find it."',
            "So the two friends walked and walked.",
            f"They looked here and there and everywhere in the {place}.",
            f"At last they found the {lost} {spot}.",
            f'"Thank you, {friend}!" said {name}. "You are a true friend."',
            f"Then they went home together and ate {food}.",
            f"From that day on, {name} the {hero} and {friend} the {helper} played together every day.",
            f"And {name} learned that {random.choice(LESSONS)}.",
            "The end.",
        ]
    )


REQUESTS = [
    "Tell me a story.",
    "Tell me a story",
    "Write a story.",
    "Write me a short story.",
    "Tell me a short story.",
    "Please tell me a story.",
    "Can you tell me a story?",
    "Write a long story.",
    "Once upon a time",
]
REQUESTS_ABOUT = [
    "Tell me a story about {hero}.",
    "Write a story about {hero}.",
    "Write a short story about {hero}.",
    "Tell me a short story about {hero}.",
]


def request(random: Random) -> tuple[str, str]:
    """A request for a story, and the story."""
    if random.random() < 0.5:
        return random.choice(REQUESTS), story(random)
    hero = random.choice(ANIMALS)
    named = f"an {hero}" if hero[0] in "aeiou" else f"a {hero}"
    return random.choice(REQUESTS_ABOUT).format(hero=named), story(random, hero)
