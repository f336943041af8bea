"""Looks at a program's source before the slow build: does `main` fit, can everything be imported?

The source is parsed by the Python that runs bakery, which may be older than the one inside the component. So a syntax error here is
only a suspicion: the caller lets the build decide. What is no text is none for any Python.
"""

import ast
import importlib.machinery
import importlib.util
import io
import sys
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bakery.errors import Problem, SourceError
from bakery.project import MAIN, Project

_PROVIDED = frozenset({"inferlet", "wit_world", "componentize_py_types", "annotationlib", "compression"})
"""Importable in a component beside the project's files and the standard library; the last two are in it since Python 3.14."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A module that some line asks for."""

    file: str
    line: int
    module: str
    tentative: bool
    """In a `try`: the program goes on without it."""

    @property
    def root(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the source found."""

    modules: tuple[str, ...] = ()
    """Every module that the program may ask for, also from within functions."""
    suspicion: SourceError | None = None
    """A syntax error, if this Python is right."""


class _SuspicionError(Exception):
    """Something does not look like Python."""

    def __init__(self, suspicion: SourceError) -> None:
        self.suspicion = suspicion


def check(project: Project) -> Checked:
    """Raises `SourceError` if `main` is missing or has a wrong signature, or an import cannot work."""
    try:
        trees = _reachable(project)
    except _SuspicionError as error:
        return Checked(suspicion=error.suspicion)
    _check_main(project, trees[MAIN])
    own = frozenset(name.partition("/")[0].removesuffix(".py") for name in project.files)
    imports = [found for name, tree in trees.items() for found in _imports(name, tree)]
    missing = [found for found in imports if not found.tentative and not _importable(found.root, own)]
    if missing:
        raise SourceError(*sorted({_explain(project, found) for found in missing}))
    return Checked(modules=tuple(sorted({found.module for found in imports if _importable(found.root, own)})))


def _reachable(project: Project) -> Mapping[str, ast.Module]:
    """The files that take part: main.py and what it imports, and so on. Tests and scripts in the folder do not matter."""
    trees: dict[str, ast.Module] = {}
    waiting = [MAIN]
    while waiting:
        name = waiting.pop()
        if name in trees:
            continue
        trees[name] = _parse(project, name)
        for found in _imports(name, trees[name]):
            waiting += _files_of(project, found.module)
    return trees


def _parse(project: Project, name: str) -> ast.Module:
    text = _text(project, name)
    try:
        return ast.parse(text, filename=name)
    except SyntaxError as error:
        problem = Problem(project.shown_as(name), error.lineno or 0, f"syntax error: {error.msg}")
        raise _SuspicionError(SourceError(problem)) from error


def _text(project: Project, name: str) -> str:
    content = project.files[name]
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise SourceError(Problem(project.shown_as(name), 0, f"not Python source: {error}")) from error
    if "\0" in text:
        raise SourceError(Problem(project.shown_as(name), 0, "not Python source: it contains null bytes"))
    return text


def _files_of(project: Project, module: str) -> list[str]:
    """The project's files that importing `module` runs: packages on the way included."""
    parts = module.split(".")
    paths = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    return [file for path in paths for file in (f"{path}.py", f"{path}/__init__.py") if file in project.files]


# --- main ---


def _check_main(project: Project, tree: ast.Module) -> None:
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "main"]
    if not definitions and not _may_bind_main(tree):
        raise SourceError(Problem(project.shown, 0, "has no function `main`; a program begins with `async def main(input):`"))
    if definitions and not definitions[-1].decorator_list and not _takes_one(definitions[-1].args):
        line = definitions[-1].lineno
        raise SourceError(Problem(project.shown, line, "`main` must take exactly one argument, the program's input"))


def _takes_one(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    return required <= 1 and None not in arguments.kw_defaults and (positional > 0 or arguments.vararg is not None)


def _may_bind_main(tree: ast.Module) -> bool:
    """Whether something other than a definition at the top may give the name `main` a value."""
    return any(_binds_main(node) for node in ast.walk(tree))


def _binds_main(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="main", ctx=ast.Store()) | ast.FunctionDef(name="main") | ast.AsyncFunctionDef(name="main"):
            return True
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return any((alias.asname or alias.name) in {"main", "*"} for alias in names)
    return False


# --- imports ---


def _imports(file: str, tree: ast.Module) -> Iterator[Imported]:
    tentative = {
        id(inner) for node in ast.walk(tree) if isinstance(node, ast.Try) for part in node.body for inner in ast.walk(part)
    }
    unused = {id(inner) for node in ast.walk(tree) if _is_for_typing(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in unused and isinstance(node, ast.Import | ast.ImportFrom):
            for module in _modules(file, node):
                yield Imported(file, node.lineno, module, id(node) in tentative)


def _modules(file: str, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Absolute names. What `from a import b` names may be a module `a.b`; if it is none, nothing is lost."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module == "__future__":
        return []
    package = file.split("/")[: -node.level] if node.level else []
    base = ".".join([*package, *([node.module] if node.module else [])])
    named = [f"{base}.{alias.name}" if base else alias.name for alias in node.names if alias.name != "*"]
    return [base, *named] if base else named


def _is_for_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _importable(root: str, own: frozenset[str]) -> bool:
    return root in own or root in sys.stdlib_module_names or root in _PROVIDED


def _explain(project: Project, found: Imported) -> Problem:
    text = f"cannot import '{found.root}': a component holds the standard library, `inferlet` and the files of the project"
    if _is_native(found.root):
        text = f"cannot import '{found.root}': packages with native extensions do not run in a component"
    return Problem(project.shown_as(found.file), found.line, text)


def _is_native(root: str) -> bool:
    """Whether the package installed here under this name contains compiled code."""
    found = importlib.util.find_spec(root)
    if found is None:
        return False
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    if found.origin is not None and found.origin.endswith(suffixes):
        return True
    folders = [Path(folder) for folder in found.submodule_search_locations or ()]
    return any(path.name.endswith(suffixes) for folder in folders for path in folder.rglob("*"))
