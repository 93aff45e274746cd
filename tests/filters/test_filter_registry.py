"""How filters are declared, found, refused and fingerprinted."""

from __future__ import annotations

import importlib.util
import math
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import filters
from filters import FAMILIES, FILTERS, base
from filters.base import FilterError
from filters.fingerprint import fingerprint
from filters.text import Text
from filters.words import Words

PACKAGE = Path(filters.__file__).parent

HEADER = """
from __future__ import annotations
from filters.base import keep_if
from filters.chars import JAPANESE, VISIBLE, Char
from filters.page import Page
from filters.text import Text
"""

DECORATOR = '@keep_if(code="JA801", at_most=0.20, source="own")'
BODY = '''
def latin_share(text: Text) -> float:
    """Latin among visible characters.

    keep: きょうはPythonの勉強をしました。
    drop: free download best price sale 人気
    """
    return text.share(Char.LATIN, of=VISIBLE)
'''
COMPLETE = f"{HEADER}\n{DECORATOR}{BODY}"

Importer = Callable[[str], None]


@pytest.fixture
def import_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """Imports the source of a family `latin.py` as if it lay in filters/, and leaves the real registry as it was."""
    monkeypatch.setattr(base, "REGISTRY", dict(base.REGISTRY))

    def load(source: str) -> None:
        path = tmp_path / "latin.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("filters.latin", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "filters.latin", module)
        spec.loader.exec_module(module)

    return load


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package to edit."""
    target = tmp_path / "filters"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def edit(path: Path, old: str, new: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert old in source, f"{path.name} no longer holds {old!r}: mend this test"
    path.write_text(source.replace(old, new, 1), encoding="utf-8")


def test_a_complete_declaration_is_registered(import_family: Importer) -> None:
    import_family(COMPLETE)
    assert base.REGISTRY["JA801"].judge(Text("日本語 text")).value == pytest.approx(4 / 7)


REFUSED = {
    "no source": (COMPLETE.replace(', source="own"', ""), "source="),
    "empty source": (COMPLETE.replace('"own"', '" "'), "source="),
    "no keep example": (COMPLETE.replace("    keep: ", "    such as "), "'keep:' example"),
    "no drop example": (COMPLETE.replace("    drop: ", "    such as "), "'drop:' example"),
    "no bound": (COMPLETE.replace("at_most=0.20, ", ""), "at_least= or at_most="),
    "bounds crossed": (COMPLETE.replace("at_most=0.20", "at_least=0.5, at_most=0.20"), "nothing to keep"),
    "nan bound": (COMPLETE.replace("at_most=0.20", 'at_most=float("nan")'), "nothing to keep"),
    "malformed code": (COMPLETE.replace("JA801", "JA81"), "three digits"),
    "lower-case code": (COMPLETE.replace("JA801", "ja901"), "three digits"),
    "taken code": (COMPLETE.replace("JA801", "JA101"), "taken by hiragana_share in script.py"),
    "digit of another file": (COMPLETE.replace("JA801", "JA199"), "belongs to script.py"),
    "digit unlike the file's other filters": (
        COMPLETE + DECORATOR.replace("JA801", "JA701") + BODY.replace("latin", "more_latin"),
        "other filters of this file are JA8xx",
    ),
    "view unlike the file's other filters": (
        COMPLETE + DECORATOR.replace("JA801", "JA802") + BODY.replace("text: Text", "page: Page"),
        "at Text; give it a file of its own",
    ),
    "no docstring": (
        f"{HEADER}\n{DECORATOR}\ndef latin_share(text: Text) -> float:\n    return 0.0\n",
        "needs a docstring",
    ),
    "examples alone": (COMPLETE.replace("Latin among visible characters.", ""), "needs a docstring"),
    "no annotation": (COMPLETE.replace("(text: Text)", "(text)"), "annotated Text, Page or Words"),
    "two arguments": (COMPLETE.replace("(text: Text)", "(text: Text, n: int)"), "annotated Text, Page or Words"),
}


@pytest.mark.parametrize(("source", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_incomplete_declaration_is_refused_in_one_line_with_file_and_code(
    import_family: Importer, source: str, reason: str
) -> None:
    before = set(base.REGISTRY)
    codes = re.findall(r'code="(\w+)"', source)
    with pytest.raises(FilterError) as caught:
        import_family(source)
    message = str(caught.value)
    assert reason in message
    assert message.startswith(f"latin.py: {codes[-1]} ") and "\n" not in message
    assert codes[-1] not in set(base.REGISTRY) - before


def test_an_example_goes_on_over_deeper_lines_and_escapes_line_breaks(import_family: Importer) -> None:
    source = COMPLETE.replace("勉強をしました。", "勉強を\n        しました。\\\\n次の行です。")
    import_family(source)
    assert base.REGISTRY["JA801"].examples[0].text == "きょうはPythonの勉強をしました。\n次の行です。"


def test_a_family_file_dropped_into_the_folder_appears_everywhere(copy: Path) -> None:
    (copy / "latin.py").write_text(COMPLETE, encoding="utf-8")
    script = (
        "from filters import FAMILIES, FILTERS; from filters.catalogue import markdown;"
        "print(list(FILTERS)[-1], FAMILIES['latin'].prefix, '### JA801 latin_share' in markdown(),"
        "FAMILIES['latin'].fingerprint != FAMILIES['script'].fingerprint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=copy.parent, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.stdout.split() == ["JA801", "JA8", "True", "True"], done.stderr


def test_filters_and_families_are_in_code_order() -> None:
    assert list(FILTERS) == sorted(FILTERS)
    assert [f.code for family in FAMILIES.values() for f in family.filters] == list(FILTERS)


def test_a_family_looks_at_one_view() -> None:
    views = {family.name: family.view.__name__ for family in FAMILIES.values()}
    assert views["origin"] == "Page" and views["script"] == "Text" and views["grammar"] == "Words"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at_least=0.15", "at_least=0.05"),
        ("きょうは天気がよいので", "あすは雨なので"),
        ("Hiragana among Japanese letters.", "Another summary."),
        ('"""JA1xx:', '"""Scripts, JA1xx:'),
        ("# UTF-8 kana read", "# In other words: UTF-8 kana read"),
    ],
    ids=["bound", "example", "docstring", "module docstring", "comment"],
)
def test_prose_and_bounds_measure_nothing_again(copy: Path, old: str, new: str) -> None:
    before = fingerprint("script", copy)
    edit(copy / "script.py", old, new)
    assert fingerprint("script", copy) == before


def changed(copy: Path, file: str, old: str, new: str) -> set[str]:
    before = {name: fingerprint(name, copy) for name in FAMILIES}
    edit(copy / file, old, new)
    return {name for name in FAMILIES if fingerprint(name, copy) != before[name]}


def test_a_changed_measure_measures_its_family_alone_again(copy: Path) -> None:
    assert changed(copy, "script.py", "Char.HIRAGANA, of=JAPANESE", "Char.HIRAGANA, of=LETTERS") == {"script"}


def test_a_changed_code_measures_its_family_again(copy: Path) -> None:
    assert changed(copy, "repetition.py", 'code="JA303"', 'code="JA304"') == {"repetition"}


def test_a_changed_list_measures_the_family_that_reads_it_again() -> None:
    read = {name: set(family.resources()) for name, family in FAMILIES.items()}
    stand = {f"lists/{path.name}" for path in (PACKAGE / "lists").glob("*.txt")}
    assert stand == read["boilerplate"] | read["lexicon"], "each list is part of some family's identity"
    assert not read["boilerplate"] & read["lexicon"]


def test_a_changed_table_measures_all_that_read_text(copy: Path) -> None:
    assert changed(copy, "chars.py", 'Char.KUTEN: "。', 'Char.KUTEN: "') == set(FAMILIES) - {"origin"}


def test_changed_phrase_matching_measures_the_families_with_lists(copy: Path) -> None:
    assert changed(copy, "listed.py", "LONGEST: Final = 32", "LONGEST: Final = 31") == {"boilerplate", "lexicon"}


def test_changed_morphemes_measure_the_words_families(copy: Path) -> None:
    assert changed(copy, "words.py", "_PIECE = 500", "_PIECE = 400") == {"grammar"}


def test_a_changed_page_measures_the_page_families(copy: Path) -> None:
    assert changed(copy, "page.py", "characters: int = 0", "characters: int = 1") == {"origin"}


def test_a_changed_framework_measures_nothing_again(copy: Path) -> None:
    assert changed(copy, "base.py", "must be finite", "has to be finite") == set()


def test_the_fingerprint_of_a_family_is_that_of_its_source() -> None:
    assert FAMILIES["script"].fingerprint == fingerprint("script", PACKAGE)


def test_what_families_read_is_part_of_their_identity() -> None:
    needing = {family.name for family in FAMILIES.values() if family.resources()}
    assert needing == {"boilerplate", "grammar", "lexicon"}  # lists of phrases, and the dictionary
    assert all(len(digest) == 64 for digest in Words.resources().values())


def test_filters_pickle_by_code_and_keep_changed_bounds() -> None:
    changed_bounds = FILTERS["JA101"].with_bounds(at_least=0.25)
    restored = pickle.loads(pickle.dumps(changed_bounds))
    assert restored == changed_bounds and restored.at_least == 0.25
    assert b"hiragana_share" not in pickle.dumps(changed_bounds)


def test_bounds_are_inclusive() -> None:
    half = FILTERS["JA101"].with_bounds(at_least=0.5)
    assert half.judge(Text("漢あ")).keep
    assert FILTERS["JA102"].with_bounds(at_most=0.5).judge(Text("漢ア")).keep
    assert not FILTERS["JA102"].with_bounds(at_most=0.4999).judge(Text("漢ア")).keep


def test_crossed_bounds_are_refused() -> None:
    with pytest.raises(FilterError, match=r"JA102 katakana_share: at_least=0\.9 and at_most=0\.65"):
        FILTERS["JA102"].with_bounds(at_least=0.9)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measure_without_a_number_raises_naming_its_code(import_family: Importer, value: float) -> None:
    import_family(COMPLETE.replace("return text.share(Char.LATIN, of=VISIBLE)", f"return float('{value}')"))
    with pytest.raises(FilterError, match="JA801 latin_share: measured"):
        base.REGISTRY["JA801"].judge(Text("あ"))


def test_the_catalogue_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "filters.catalogue", "--check"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_catalogue_is_reported(copy: Path) -> None:
    edit(copy / "README.md", "≥ 0.15", "≥ 0.20")
    done = subprocess.run(
        [sys.executable, "-m", "filters.catalogue", "--check"],
        cwd=copy.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "python -m filters.catalogue" in done.stderr
