"""Runs every bench and prints one table: `make bench`. Each bench also runs by itself: `python -m benches.NAME [--json]`."""

import json
import subprocess
import sys

from benches.report import Figure, table

BENCHES = (
    "host_calls",
    "launch",
    "generate_tax",
    "token_loop_tax",
    "throughput",
    "prefix",
    "serve_launch",
    "serve_stream",
    "openai",
    "agent_turns",
    "serve_many",
    "oplog",
    "edges",
    "gateway",
    "deploy_time",
    "scale",
)
BENCH_TIMEOUT_S = 1200


def figures_of(bench: str) -> list[Figure]:
    """Run one bench in a process of its own, so that none inherits another's memory or threads."""
    done = subprocess.run(
        [sys.executable, "-m", f"benches.{bench}", "--json"], stdout=subprocess.PIPE, timeout=BENCH_TIMEOUT_S, check=True
    )
    return [Figure(**{**figure, "figure": f"{bench}.{figure['figure']}"}) for figure in json.loads(done.stdout)]


def main() -> int:
    figures: list[Figure] = []
    failed: list[str] = []
    for bench in BENCHES:
        print(f"==> {bench}", file=sys.stderr, flush=True)
        try:
            figures.extend(figures_of(bench))
        except (subprocess.SubprocessError, ValueError) as error:
            print(f"    {error}", file=sys.stderr)
            failed.append(bench)
    print(table("all benches", figures))
    if failed:
        print(f"did not run: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
