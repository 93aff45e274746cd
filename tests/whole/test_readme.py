"""What the READMEs say is true: each page and its Japanese twin show the same commands and code, the commands exist, every link
leads somewhere, what is printed is what the sample gives, the filter works as shown."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline.verbs.arguments import parser
from tests.runs import QUICKSTART, ROOT, places, seimai

TWINS = ("README", "manifests/README", "manifests/RELEASE", "stages/DEDUP", "deploy/README")
PAGES = {
    f"{name}{end}": (ROOT / f"{name}{end}").read_text(encoding="utf-8") for name in TWINS for end in (".md", ".ja.md")
}
READMES = ("README.md", "README.ja.md")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def in_any_language(block: str) -> str:
    """Without what is said in words: comments, and reasons."""
    kept = [line for line in block.splitlines() if not line.startswith(("$ #", "because ="))]
    return re.sub(r'because = "[^"]*"', "", re.sub(r" +#.*", "", "\n".join(kept), flags=re.MULTILINE))


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("language", ["python", "text", "toml", "console", "bash"])
def test_a_page_and_its_japanese_twin_show_the_same(name: str, language: str) -> None:
    english, japanese = (
        [in_any_language(b) for b in blocks(PAGES[f"{name}{end}"], language)] for end in (".md", ".ja.md")
    )
    # The picture of the way is drawn in each language.
    assert [b for b in english if "─>" not in b] == [b for b in japanese if "─>" not in b]


@pytest.mark.parametrize("name", TWINS)
def test_a_page_and_its_japanese_twin_have_the_same_parts(name: str) -> None:
    english, japanese = (re.findall("^#+ ", PAGES[f"{name}{end}"], re.MULTILINE) for end in (".md", ".ja.md"))
    assert english == japanese


@pytest.mark.parametrize("name", READMES)
def test_the_first_page_stays_short(name: str) -> None:
    assert PAGES[name].count("\n") <= 350
    assert PAGES[name][: PAGES[name].index("release: /home/you")].count("\n") <= 52, "point, install and result first"


def verbs() -> dict[str, argparse.ArgumentParser]:
    (found,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


@pytest.mark.parametrize("name", READMES)
def test_the_first_page_names_every_verb(name: str) -> None:
    assert [verb for verb in verbs() if f"seimai {verb}" not in PAGES[name]] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_verb_and_option_shown_exists(name: str) -> None:
    for line in re.findall(r"^\$ seimai (.+)", "\n".join(blocks(PAGES[name], "console")), re.MULTILINE):
        verb, *words = line.split()
        told = verbs()[verb].format_help()
        assert [word for word in words if word.startswith("--") and word not in told] == [], line


@pytest.mark.parametrize("name", PAGES)
def test_every_recipe_shown_is_toml(name: str) -> None:
    for block in blocks(PAGES[name], "toml"):
        tomllib.loads(block)


@pytest.mark.parametrize("name", PAGES)
def test_every_file_and_heading_linked_exists(name: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", PAGES[name])
    assert links
    for file, heading in links:
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), file
        if heading:
            titles = re.findall("^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, heading


@pytest.mark.parametrize("name", READMES)
def test_what_the_sample_prints_is_what_it_gives(name: str, golden_run: Path) -> None:
    _, table, _, trace = ["", *blocks(PAGES[name], "text")]
    url = trace.splitlines()[0]
    for shown, ran in (
        (table, seimai("report", golden_run / "release")),
        (trace, seimai("trace", url, "--run", QUICKSTART, *places(golden_run))),
    ):
        assert f"seimai trace {url}" in PAGES[name]
        printed = [line.rstrip() for line in ran.out.splitlines()]
        for line in shown.splitlines():
            assert line == "…" or line.startswith("release: ") or line in printed


@pytest.mark.parametrize("name", ["manifests/RELEASE.md", "manifests/RELEASE.ja.md"])
def test_every_column_of_a_release_is_told(name: str) -> None:
    from stages.measure.vocabulary import Named
    from stages.release.host_table import HOSTS
    from stages.release.write import release_schema

    rows = [line.split("|")[1] for line in PAGES[name].splitlines() if line.startswith("| `")]
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert [column for column in release_schema([Named()]).names if column not in told] == []
    (hosts,) = [part for part in PAGES[name].split("\n\n") if part.startswith("`hosts.parquet`")]
    assert [column for column in HOSTS.names if f"`{column}`" not in hosts] == []


def test_the_program_for_trainers_reads_a_release_and_refuses_a_damaged_one(golden_run: Path, tmp_path: Path) -> None:
    (code,) = [block for block in blocks(PAGES["README.md"], "python") if "manifest.json" in block]

    def read() -> str:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        ).stderr.strip()

    release = Path(shutil.copytree(golden_run / "release", tmp_path / "release"))
    assert read() == ""
    shard = next((release / "data").iterdir())
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert "CRC checksum" in read()
    told = (release / "manifest.json").read_text()
    (release / "manifest.json").write_text(told.replace('"format_version": "2"', '"format_version": "3"'))
    assert read().splitlines()[-1].startswith("AssertionError")


def test_a_new_family_is_one_file_and_appears_everywhere(tmp_path: Path) -> None:
    (code,) = [block for block in blocks(PAGES["README.md"], "python") if "@keep_if" in block]
    for package in ("filters", "stages", "pipeline", "manifests"):
        shutil.copytree(ROOT / package, tmp_path / package)  # with what is compiled already: that takes a minute
    (tmp_path / "tests" / "filters").mkdir(parents=True)
    shutil.copytree(ROOT / "tests" / "golden", tmp_path / "tests" / "golden")
    for helper in ("tests/__init__.py", "tests/filters/__init__.py", "tests/filters/test_filter_examples.py"):
        shutil.copy(ROOT / helper, tmp_path / helper)
    (tmp_path / "filters" / "prices.py").write_text(code, encoding="utf-8")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "yen_share" in run("pipeline", "filters", "JA901")
    run("filters.catalogue")
    assert "JA901" in (tmp_path / "filters" / "README.md").read_text(encoding="utf-8")
    assert "JA901" in run("pytest", "-v", "-p", "no:cacheprovider", "tests/filters/test_filter_examples.py")
    run("pipeline", "run", "manifests/quickstart.toml", "--runner", "local", "--workers", "1")
    assert '"JA901"' in (tmp_path / "build" / "quickstart" / "release" / "manifest.json").read_text()
