"""A Python program's own token loop over the driver's bare loop: pie-tiny, 64 prompt and 512 output tokens, 32 at a time."""

import asyncio

from benches.report import Figure, report
from benches.tax import taxes


def main() -> None:
    found = asyncio.run(taxes("token_loop", (32,)))
    report("token_loop_tax", [Figure("tax_32", found[32], "ratio of tokens/s", ">= 0.70")])


if __name__ == "__main__":
    main()
