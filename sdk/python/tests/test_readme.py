"""The README's program runs, and its table names what is there."""

import re
from pathlib import Path

from scripted_engine import Run

import inferlet

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_program_runs(run: Run) -> None:
    program = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    scope: dict[str, object] = {}
    exec(program, scope)
    main = scope["main"]
    assert callable(main)
    assert run(main({"prompt": "q"})) == "Paris."


def test_everything_exported_is_named() -> None:
    """Each kind of error but the first has its name from what went wrong."""
    kinds = {name for name in inferlet.__all__ if name.endswith("Error")}
    assert set(inferlet.__all__) - kinds <= set(re.findall(r"`(\w+)", README))


def test_every_method_named_of_a_context_is_there() -> None:
    line = next(line for line in README.splitlines() if line.startswith("| `Context`"))
    assert all(hasattr(inferlet.Context, name) for name in re.findall(r"`(\w+)`", line)[1:])
