"""Caps on hosts: who stays is a hash's choice, whatever the partitions; sums hold; the table of hosts says it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stages.errors import InputError
from stages.release.left_out import Denied, url_key
from tests.corpora import documents, own, rows, run, text
from tests.runs import recipe, seimai

MADE = [
    {"id": str(n), "url": f"https://{host}/{n}", "text": text(n)}
    for n, host in enumerate(["big.example"] * 40 + ["small.example"] * 5 + ["sub.small.example"] * 3)
] + [{"id": "none", "url": "", "text": text(99)}]


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("capped")
    run(folder, own(documents(folder, "d", MADE), more="tokens_per_host = 2000\n"))
    return folder


def test_a_host_keeps_no_more_than_its_cap_and_the_others_all(capped: Path) -> None:
    found = rows(capped)
    by_host = Counter(row["host"] for row in found)
    assert by_host["small.example"] == 5
    assert by_host["sub.small.example"] == 3
    assert by_host[""] == 1
    assert 0 < by_host["big.example"] < 40
    tokens = [row["n_tok_qwen"] for row in found if row["host"] == "big.example"]
    assert 2000 - max(tokens) < sum(tokens) <= 2000


def test_the_sums_and_the_table_of_hosts_say_so(capped: Path) -> None:
    import json

    told = json.loads((capped / "release" / "manifest.json").read_bytes())
    left_out = len(MADE) - len(rows(capped))
    assert told["funnel"]["removed"] == {"cap.host": left_out}
    table = {row["host"]: row for row in pq.read_table(capped / "release" / "hosts.parquet").to_pylist()}
    big = table["big.example"]
    assert (big["documents"], big["kept"], big["left_out"]) == (40, 40 - left_out, left_out)
    assert (big["main_reason"], big["main_reason_documents"]) == ("cap.host", left_out)
    assert big["keep_rate"] == pytest.approx(big["kept"] / 40)
    assert table["small.example"]["main_reason"] == ""
    assert [row["tokens"] for row in table.values()] == sorted((r["tokens"] for r in table.values()), reverse=True)
    shown = seimai("report", capped / "release", "--hosts", 2).out
    assert "cap.host" in shown
    assert "big.example" in shown
    assert "none.example" not in shown
    assert seimai("report", capped / "recipe.toml", "--hosts", 2).out == shown


def test_trace_and_plan_know_the_cap(capped: Path) -> None:
    kept = {row["url"] for row in rows(capped)}
    gone = next(row["url"] for row in MADE if row["url"] and row["url"] not in kept)
    file = capped / "recipe.toml"
    assert "not in the release: cap.host" in seimai("trace", gone, "--run", file).out
    assert "=> in the release" in seimai("trace", next(iter(kept - {""})), "--run", file).out
    plan = seimai("plan", file).out
    assert all(" 0 " in line for line in plan.splitlines() if line.startswith(("│ deny", "│ write", "│ hosts")))


def test_the_choice_does_not_depend_on_partitions(capped: Path, tmp_path: Path) -> None:
    files = [documents(tmp_path, f"d{n}", MADE[::-1][n::3]) for n in range(3)]
    run(tmp_path, own(*files, more="tokens_per_host = 2000\n"), workers=2)
    assert {row["record"] for row in rows(tmp_path)} == {row["record"] for row in rows(capped)}


def test_a_wrong_cap_is_one_line(tmp_path: Path) -> None:
    ran = seimai("plan", recipe(tmp_path, own(documents(tmp_path, "d", MADE), more="tokens_per_host = 1.5\n")))
    assert (ran.code, "tokens_per_host = 1.5: a whole number" in ran.err) == (2, True)


def test_a_removal_is_found_by_id_url_and_host(tmp_path: Path) -> None:
    file = tmp_path / "removals.jsonl"
    file.write_text(
        f'{{"ticket":"A","url":"{url_key("https://x/")}"}}\n{{"ticket":"B","host":"b.example"}}\n{{"ticket":"C","id":"{"c" * 32}"}}\n'
    )
    denied = Denied.read([str(file)])
    assert denied.ticket("d" * 32, "https://x/", "") == "A"
    assert denied.ticket("d" * 32, "https://y/", "www.b.example") == "B"
    assert denied.ticket("c" * 32, "https://y/", "a.example") == "C"
    assert denied.ticket("d" * 32, "https://y/", "notb.example") is None
    file.write_text('{"ticket":"A"}\n')
    with pytest.raises(InputError, match=r"removals\.jsonl:1: not a removal"):
        Denied.read([str(file)])
