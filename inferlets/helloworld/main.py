"""The smallest program: says hello, and where it runs."""

from inferlet import runtime


def main(input):
    print(f"engine {runtime.version()}, process {runtime.instance_id()}, models {', '.join(runtime.models()) or 'none'}")
    return f"Hello, {input.get('name', 'world')}!"
