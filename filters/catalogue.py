"""README.md of this folder: the catalogue of all filters, generated from the registry.

`python -m filters.catalogue` writes it; with `--check` it writes nothing and exits 1 if the file is stale.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from filters import FAMILIES, FILTERS
from filters.base import Family, Filter
from filters.generated import keep

README = Path(__file__).with_name("README.md")

_INTRODUCTION = '''# Filters フィルタ一覧

What good Japanese text is, as measures with declared bounds. A document is kept if every value lies within its bounds
(both inclusive). This page is generated from the code by `python -m filters.catalogue`; do not edit it.

良い日本語テキストとは何かを、測定値とその範囲で定めています。すべての値が範囲内（両端を含む）の文書だけが残ります。
この一覧はコードから生成されます。直接編集せず、`python -m filters.catalogue` で更新してください。

Where a bound was moved by measuring, `source` says so: *clean texts* are 1,592 clean Japanese texts of 100 characters and
more (web leads, literature), *extracted articles* 214 pages extracted by hand, at most 12 a site, manuals among them.

## Adding a filter フィルタの追加

One function in the family's file, nothing else. 追加するのは関数ひとつだけです。登録表も設定もありません。

```python
@keep_if(code="JA108", at_most=0.20, source="own: clean texts stay under 0.12")
def latin_share(text: Text) -> float:
    """Latin among visible characters. 英単語の羅列を落とす。

    keep: きょうはPythonの勉強をしました。
    drop: free download best price sale 人気
    """
    return text.share(Char.LATIN, of=VISIBLE)
```

- The argument's type chooses what the measure sees: `Text`, `Page` (where the document came from) or `Words`
  (morphemes; measured only where the others keep). 引数の型が、見る対象を決めます。
- `source=` says where the bounds come from, and what was measured if they were moved. 閾値の根拠を必ず書きます。
- `keep:` and `drop:` are tested. `misfire:` is a text that ought to be kept and is dropped: a known mistake, pinned, so
  that the list of them stays true. `misfire:` は「残すべきなのに落ちる」既知の誤りです。テストで固定されます。
- An example goes on over lines that are indented further; write `\\\\n` for a line break.
- Codes are never reused. A measure that changes its meaning takes a new code. 番号は使い回しません。
- A new family is a new file with a free digit. 新しい系統は、空いている百の位で新しいファイルにします。
'''


def markdown() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, _table(), *(_family(family) for family in FAMILIES.values())])


def bounds(declared: Filter) -> str:
    """The bounds as a reader writes them: '≥ 0.15', '≤ 0.5', '8 to 200'."""
    if math.isinf(declared.at_least):
        return f"≤ {declared.at_most:g}"
    if math.isinf(declared.at_most):
        return f"≥ {declared.at_least:g}"
    return f"{declared.at_least:g} to {declared.at_most:g}"


def _table() -> str:
    rows = [
        f"| [{f.code}](#{f.code.lower()}-{f.name}) | {f.name} | {bounds(f)} | {_cell(f.doc.split(chr(10))[0])} |"
        for f in FILTERS.values()
    ]
    return "\n".join(
        ["## All filters 一覧", "", "| code | name | keep if | measures |", "|---|---|---|---|", *rows, ""]
    )


def _family(family: Family) -> str:
    heading = f"## {family.prefix}xx {family.name}\n\nLooks at `{family.view.__name__}`.\n"
    return "\n".join([heading, *(_entry(declared) for declared in family.filters)])


def _entry(declared: Filter) -> str:
    examples = [f"- {e.kind}: `{e.text.replace(chr(10), '⏎')}`" for e in declared.examples]
    return "\n".join(
        [
            f"### {declared.code} {declared.name}",
            "",
            f"Keep if {bounds(declared)}. Source: {declared.source}.",
            "",
            declared.doc,
            "",
            *map(_printable, examples),
            "",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _printable(text: str) -> str:
    """Private use and U+FFFD as escapes: a page of examples must itself be clean text."""
    return "".join(c if c != "\ufffd" and not "\ue000" <= c <= "\uf8ff" else f"\\u{ord(c):04x}" for c in text)


if __name__ == "__main__":
    sys.exit(keep(README, markdown(), sys.argv[1:], "python -m filters.catalogue"))
