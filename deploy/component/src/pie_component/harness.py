"""Tries a component out without the platform."""

import sys


def main(arguments: list[str]) -> int:
    print(f"{arguments}: not yet", file=sys.stderr)
    return 2
