"""What the values of a family depend on, as one hash: its source and that of what it imports, without the bounds.

Bounds, sources, docstrings (and so examples), comments and layout may change and no document is measured again. The hash
is of the syntax tree, which differs between Python minors, as do the lock files.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

# What declares filters gives them no values: they come from the measure and the views.
_WITHOUT_VALUES = frozenset({"base", "fingerprint"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(module: str, package: Path) -> str:
    """sha256 (hex) over `module` of the package in the folder `package` and over the modules of it that it imports."""
    digest = hashlib.sha256()
    for name, tree in sorted(_with_imports(module, package).items()):
        digest.update(f"{name}\n{ast.dump(_values_only(tree))}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _with_imports(module: str, package: Path) -> dict[str, ast.Module]:
    trees: dict[str, ast.Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = package / f"{name}.py"
        if name in trees or name in _WITHOUT_VALUES or not path.is_file():
            continue
        trees[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
        waiting.extend(_imported(trees[name], package.name))
    return trees


def _imported(tree: ast.Module, package: str) -> list[str]:
    """Names of the package's own modules that `tree` imports anywhere; names that are no module are harmless."""
    dotted: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(filter(None, [package if node.level else "", node.module]))
            dotted += [f"{origin}.{alias.name}" for alias in node.names]
    return [name.split(".")[1] for name in dotted if name.startswith(f"{package}.")]


def _values_only(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "keep_if":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg == "code"]
    return tree
