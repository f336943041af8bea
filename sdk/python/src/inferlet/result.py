"""The value that a program leaves when its `main` returns nothing."""


class Result:
    """A box for one text."""

    __slots__ = ("text",)

    def __init__(self) -> None:
        self.text: str | None = None


RESULT = Result()
"""One program runs in a sandbox, once: there is one result."""


def set_return(value: str) -> None:
    """Sets what the program returns, unless `main` returns something itself."""
    RESULT.text = value
