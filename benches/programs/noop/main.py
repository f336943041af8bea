"""Returns its input."""


def main(input):
    return input
