"""The module by which the engine enters a component: imports everything that the program will need, then the program."""

from collections.abc import Sequence

MODULE = "inferlet_component"

_TEMPLATE = '''"""Made by bakery: where the engine enters this component."""

from contextlib import suppress

from inferlet import _entry
from wit_world import exports

import main as program
{imports}

class Run(exports.Run):
    def run(self, input: str) -> str:
        return _entry.enter(program.main, input)


_entry.check(program.main)
_entry.prepare({sources!r})
'''


def entry_source(modules: Sequence[str], sources: Sequence[str]) -> str:
    """modules: what functions of the program may import later; a component has no files to import them from then.
    sources: the program's files, whose lines tracebacks shall show."""
    imports = "".join(f"\nwith suppress(ImportError):\n    import {name} as _\n" for name in modules if name != "main")
    return _TEMPLATE.format(imports=imports, sources=list(sources))
