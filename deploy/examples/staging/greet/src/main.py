"""Greets by name."""

from pie_component import config, run


def greet(name: str) -> str:
    return f"{config.greeting}, {name}!"


run(greet)
