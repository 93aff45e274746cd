"""EDITS.md of this folder: what changes a text after extraction, generated from the declarations.

`python -m stages.catalogue` writes it; with `--check` it writes nothing and exits 1 if the file is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filters.examples import Example
from filters.generated import keep
from stages.edits.edits import RULES
from stages.pii.pii import KINDS
from stages.visible import visible

PAGE = Path(__file__).with_name("EDITS.md")

_INTRODUCTION = """# Edits and masks テキストを変える規則

Extraction writes a text as the page has it. What changes it later is declared, and stands here with examples that are
tested: *edits* within a page, in this order, before anything is measured; *masks* over personal data when the release is
written, which kinds by `[pii]` of the recipe. `seimai trace` shows what each has changed in a document. This page is generated
from the code by `python -m stages.catalogue`; do not edit it.

抽出した本文を後から変える規則の一覧です。「編集」は測定の前にこの順で、「マスク」は公開用の書き出しのときに適用されます。
文書ごとの変更は `seimai trace` で見られます。このページはコードから生成されます。

`misfire`: a change that ought not to be made; `missed`: one that ought to be made. Both are known mistakes, pinned by tests.
`misfire` は余計な変更、`missed` は見逃しで、どちらも既知の誤りとしてテストで固定されています。
"""


@dataclass(frozen=True)
class Declared:
    """An edit or a mask, for a reader."""

    name: str
    when: str
    doc: str
    examples: Sequence[Example]


def declared() -> list[Declared]:
    """Edits in the order in which they are made, then masks in theirs."""
    edits = [Declared(rule.name, "edit", rule.doc, rule.examples) for rule in RULES]
    masks = [
        Declared(kind.name, "mask" if kind.default else "mask, by option", kind.doc, kind.examples)
        for kind in KINDS.values()
    ]
    return edits + masks


def describe(rule: Declared) -> str:
    """One rule as plain text."""
    return "\n".join([f"{rule.name} ({rule.when})", rule.doc, *map(_line, rule.examples)])


def markdown() -> str:
    """The whole page."""
    sections = [
        "\n".join([f"## {rule.name}", "", f"{rule.when.capitalize()}. {rule.doc}", "", *map(_item, rule.examples), ""])
        for rule in declared()
    ]
    return "\n".join([_INTRODUCTION, *sections])


def _line(example: Example) -> str:
    return f"  {example.kind}: {visible(example.text)}"


def _item(example: Example) -> str:
    return f"- {example.kind}: `{visible(example.text)}`"


if __name__ == "__main__":
    sys.exit(keep(PAGE, markdown(), sys.argv[1:], "python -m stages.catalogue"))
