"""The fake bindings have the shape of the real ones."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAKES = Path(__file__).parent / "fakes" / "wit_world" / "imports"
WIT = Path(__file__).parents[3] / "wit"
GENERATE = "import sys; from componentize_py import script; sys.exit(script())"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("componentize_py", reason="pip install componentize-py==0.25.1")
    folder = tmp_path_factory.mktemp("bindings") / "out"
    command = [sys.executable, "-c", GENERATE, "-q", "-d", str(WIT), "-w", "inferlet", "bindings", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "wit_world" / "imports"


@pytest.mark.parametrize("module", sorted(path.stem for path in FAKES.glob("*.py") if not path.stem.startswith("_")))
def test_a_fake_module_has_the_fields_and_functions_of_the_generated_one(generated: Any, module: Any) -> None:
    assert shape(FAKES / f"{module}.py") == shape(generated / f"{module}.py")


def test_every_generated_module_has_a_fake(generated: Any) -> None:
    assert {path.name for path in generated.glob("*.py")} <= {path.name for path in FAKES.glob("*.py")}


def shape(path: Any) -> Any:
    """Classes with their fields and methods, functions with their parameters; names only."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = parameters(node)
        elif isinstance(node, ast.ClassDef):
            found[node.name] = members(node)
    return found


def members(node: Any) -> Any:
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return [inner.target.id for inner in node.body if isinstance(inner, ast.AnnAssign)]
    if any(ast.unparse(base) == "Enum" for base in node.bases):
        return [ast.unparse(inner) for inner in node.body if isinstance(inner, ast.Assign)]
    methods = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
    return {inner.name: parameters(inner) for inner in methods if not inner.name.startswith("_") and inner.name in METHODS}


def parameters(node: Any) -> Any:
    return [argument.arg for argument in node.args.args]


METHODS = frozenset(
    {
        *("subscribe", "get", "ready", "block"),
        *("read", "next", "collect", "keep"),
        *("open", "take", "delete", "fork", "save", "snapshot", "release", "usage", "truncate"),
        *("load", "info", "tokenizer", "encode", "decode", "vocabulary", "special_tokens", "split_pattern"),
        *("feed", "reset"),
        *("write", "send", "name", "size"),
        *("list_tools", "call_tool", "list_resources", "read_resource", "list_prompts", "get_prompt"),
    }
)
"""Methods of WIT resources; the fakes have some of their own beside them."""
