"""What the text of the project says of its own files is true: each that is named lies there, each folder says what it is."""

from __future__ import annotations

import ast
import re

import pytest

from tests.runs import ROOT

PACKAGES = ("filters", "stages", "pipeline")
TEXTS = [
    *(path for path in sorted(ROOT.glob("*.md")) if path.name != "CHANGELOG.md"),  # which speaks of what was
    *(path for folder in (*PACKAGES, "manifests", "deploy", "tests") for path in sorted((ROOT / folder).rglob("*.md"))),
    *(path for folder in (*PACKAGES, "tests") for path in sorted((ROOT / folder).rglob("*.py"))),
]
_FILE = re.compile(r"(?<![\w/.-])(?:filters|stages|pipeline|tests)/[\w/]+\.(?:py|txt|md)\b")
_MODULE = re.compile(r"`(?:python -m )?((?:stages|pipeline)(?:\.[a-z]\w*)+)")
_EXAMPLES = {"filters/prices.py"}  # a file that the READMEs have their reader write


def _exists(dotted: str) -> bool:
    """A module, a package, or a name that stands in one."""
    place = ROOT.joinpath(*dotted.split("."))
    if place.is_dir() or place.with_suffix(".py").is_file():
        return True
    above = place.parent.with_suffix(".py")
    above = above if above.is_file() else place.parent / "__init__.py"
    return above.is_file() and re.search(rf"\b{place.name}\b", above.read_text(encoding="utf-8")) is not None


def test_every_file_and_module_that_is_named_exists() -> None:
    wrong = []
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        files = set(_FILE.findall(text)) - _EXAMPLES
        wrong += [(path.name, name) for name in sorted(files) if not (ROOT / name).is_file()]
        wrong += [(path.name, name) for name in sorted(set(_MODULE.findall(text))) if not _exists(name)]
    assert not wrong


@pytest.mark.parametrize("name", PACKAGES)
def test_every_folder_of_modules_says_what_it_is(name: str) -> None:
    for init in sorted((ROOT / name).rglob("__init__.py")):
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), init
