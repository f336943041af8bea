"""`generate` through the sandbox over the driver's bare loop: pie-tiny, 64 prompt and 512 output tokens, 1, 8 and 32 at a time."""

import asyncio

from benches.report import Figure, report
from benches.tax import taxes


def main() -> None:
    found = asyncio.run(taxes("collect", (1, 8, 32)))
    report("generate_tax", [Figure(f"tax_{n}", ratio, "ratio of tokens/s", ">= 0.95") for n, ratio in found.items()])


if __name__ == "__main__":
    main()
