"""What the READMEs say is true: both show the same commands and code, the commands exist, the filter works as shown."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import ROOT, seimai

READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ja.md")}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("language", ["python", "text"])
def test_both_readmes_show_the_same_code(language: str) -> None:
    english, japanese = ([re.sub("  # .*", "", b) for b in blocks(text, language)] for text in READMES.values())
    if language == "text":  # the picture of the way is drawn in each language
        english, japanese = english[:1], japanese[:1]
    assert english == japanese


@pytest.mark.parametrize("name", READMES)
def test_every_verb_shown_exists(name: str) -> None:
    verbs = set(re.findall(r"seimai (run|plan|[a-z]+-?[a-z]*) ", " ".join(blocks(READMES[name], "console"))))
    assert {"run", "plan", "dry-run", "trace", "verify"} <= verbs
    for verb in sorted(verbs):
        assert seimai(verb, "--help").code == 0


@pytest.mark.parametrize("name", READMES)
def test_every_file_linked_exists(name: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", READMES[name])
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_table_shown_is_what_the_sample_gives(golden_run: Path) -> None:
    import json

    funnel = json.loads((golden_run / "release" / "manifest.json").read_text())["funnel"]
    shown = blocks(READMES["README.md"], "text")[0]
    for number in (funnel["records"], funnel["written"]["documents"], funnel["written"]["characters"]):
        assert f"{number:,}" in shown


@pytest.mark.parametrize("name", READMES)
def test_every_column_of_a_release_is_told(name: str) -> None:
    from stages.measure.vocabulary import Named
    from stages.release.host_table import HOSTS
    from stages.release.write import release_schema

    rows = [line.split("|")[1] for line in READMES[name].splitlines() if line.startswith("| `")]
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert [column for column in release_schema([Named()]).names if column not in told] == []
    (hosts,) = [part for part in READMES[name].split("\n\n") if "release/hosts.parquet" in part]
    assert [column for column in HOSTS.names if f"`{column}`" not in hosts] == []


def test_the_program_for_trainers_reads_a_release_and_refuses_a_damaged_one(golden_run: Path, tmp_path: Path) -> None:
    (code,) = [block for block in blocks(READMES["README.md"], "python") if "manifest.json" in block]

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
    (code,) = [block for block in blocks(READMES["README.md"], "python") if "@keep_if" in block]
    for package in ("filters", "stages", "pipeline", "manifests"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    shutil.copytree(ROOT / "tests" / "golden", tmp_path / "tests" / "golden")
    for helper in ("__init__.py", "test_filter_examples.py"):
        shutil.copy(ROOT / "tests" / helper, tmp_path / "tests" / helper)
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
    assert "JA901" in run("pytest", "-v", "-p", "no:cacheprovider", "tests/test_filter_examples.py")
    run("pipeline", "run", "manifests/quickstart.toml", "--runner", "local", "--workers", "1")
    assert '"JA901"' in (tmp_path / "build" / "quickstart" / "release" / "manifest.json").read_text()
