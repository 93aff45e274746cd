"""Which source each stage's output depends on, beside the version it declares.

    python -m tests.stage_versions          # after raising a version, or after a change that leaves every output as it is

`stage_versions.json` holds, for each stage, its version and a hash of its module and of all modules of `stages/` and
`filters/` that it imports (syntax trees without docstrings). `test_stage_versions.py` fails when a source has changed and
the recorded state has not: then the author decides, in the same commit, whether the version has to go up. Families of
filters are not here: their source is in their fingerprint.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from pathlib import Path

from tests.runs import ROOT

FILE = Path(__file__).with_suffix(".json")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
_BY_NAME = re.compile(r"stages\.\w+:\w+")  # what a guarded child is told to import
# What moves rows but makes none, and the registry of filters, whose families go by their own fingerprints.
_NEUTRAL = {"stages.base", "stages.sink", "filters", "filters.base", "filters.fingerprint"}


def closure(module: str) -> dict[str, str]:
    """Module name -> dump of its syntax tree, for `module` and what it imports from stages/ and filters/."""
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        path = path if path.is_file() else path.with_suffix("") / "__init__.py"
        if name in found or name in _NEUTRAL or not path.is_file():
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _BY_NAME.fullmatch(node.value):
                waiting.append(node.value.split(":")[0])
        found[name] = ast.dump(tree)
    return {name: found[name] for name in sorted(found) if name.startswith(("stages.", "filters."))}


def stages() -> dict[str, tuple[str, int]]:
    """Class name -> (module, version) of every concrete stage."""
    from pipeline.recipe.recipe import READERS, TUNABLE
    from stages.edits.edits import Edits
    from stages.indexes.compacts import Compacts
    from stages.indexes.index import Index
    from stages.indexes.new_hosts import NewHosts
    from stages.measure.judge import Judge, Verdict
    from stages.measure.tokens import Tokens
    from stages.release.host_table import Hosts, HostTable
    from stages.release.left_out import Deny, HostCap
    from stages.release.repeat import ClusterCap
    from stages.release.write import Write
    from stages.signatures.address import Address
    from stages.template_lines.counts import LineCounts
    from stages.template_lines.masks import LineMasks
    from stages.template_lines.template_lines import TemplateLines

    classes = {
        *READERS.values(),
        *TUNABLE.values(),
        Address,
        ClusterCap,
        Compacts,
        Edits,
        Index,
        Judge,
        Verdict,
        Tokens,
        Deny,
        HostCap,
        Hosts,
        HostTable,
        LineCounts,
        LineMasks,
        NewHosts,
        TemplateLines,
        Write,
    }
    return {each.__name__: (each.__module__, each.version) for each in sorted(classes, key=lambda c: c.__name__)}


def state() -> dict[str, dict[str, object]]:
    return {
        name: {"version": version, "source": hashlib.sha256(json.dumps(closure(module)).encode()).hexdigest()[:16]}
        for name, (module, version) in stages().items()
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(state(), indent=2) + "\n")
