"""The golden corpus: every document of the sample meets its expected fate, and keeps the text it should."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.engine.plan import committed_dedup, survey
from pipeline.explain.trace import find
from pipeline.recipe.recipe import load
from pipeline.session import prepare
from pipeline.store.folder import LocalStore
from tests.runs import GOLDEN, QUICKSTART


def rows(name: str) -> list[dict[str, str]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


EXPECTED = rows("expected.tsv")
URLS = {row["slug"]: row["url"] for row in EXPECTED}


@pytest.fixture(scope="module")
def documents(golden_run: Path) -> dict[str, dict[str, object]]:
    """URL -> what the run says of it: fate, keeper's URL, extracted text."""
    recipe = load(QUICKSTART, work=str(golden_run / "work"), release=str(golden_run / "release"))
    plan, store = prepare(recipe), LocalStore(recipe.work)
    found = survey(store, plan.chains, plan.parts)
    dedup = committed_dedup(plan, store, found.parts)
    assert dedup is not None
    read = lambda output: pq.read_table(store.path(output["path"]), partitioning=None).to_pylist()  # noqa: E731
    told: dict[str, dict[str, object]] = {}
    keepers: dict[bytes, str] = {}
    for part in found.parts:
        extracts, verdicts = read(part.outputs["extract"]), read(part.outputs["verdict"])
        for extract, verdict, last in zip(extracts, verdicts, read(dedup.outputs[part.id]), strict=True):
            keepers[extract["id"]] = extract["url"]
            fate = verdict["reason"] or (f"dedup.{last['level']}" if last["level"] else "kept")
            told[extract["url"]] = {"fate": fate, "keeper": last["keeper"], "text": extract["text"]}
        marker = found.markers[part.id]["extract"]
        if marker.quarantine:
            for line in (store.read(marker.quarantine["path"]) or b"").splitlines():
                told.setdefault(json.loads(line)["url"], {"fate": "quarantined", "keeper": None, "text": ""})
    for row in EXPECTED:
        if row["url"] not in told:
            _, others, _ = find(plan, store, row["url"])
            told[row["url"]] = {"fate": others[0].split(": ")[1].split(" ")[0] if others else "lost", "text": ""}
    for each in told.values():
        each["keeper"] = keepers.get(each.get("keeper"))  # type: ignore[arg-type]
    return told


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["slug"])
def test_every_document_meets_its_fate(row: dict[str, str], documents: dict[str, dict[str, object]]) -> None:
    fate, _, more = row["fate"].partition(":")
    if row["fate"] == "quarantined":
        assert row["url"] not in {url for url, told in documents.items() if told["fate"] != "lost"}
        return  # a damaged record has no URL; the sum below counts it
    told = documents[row["url"]]
    if fate == "passed":
        assert told["fate"] == f"passed.{more}"
    elif fate.startswith("dedup"):
        assert (told["fate"], told["keeper"]) == (fate, URLS[more])
    elif row["fate"] == "rejected:<any>":
        assert str(told["fate"]).startswith("JA")
    elif fate == "rejected":
        assert told["fate"] == more
    else:
        assert told["fate"] == fate


@pytest.mark.parametrize(
    "row", rows("contains.tsv"), ids=lambda row: f"{row['slug']}-{row['rule']}-{row['string'][:8]}"
)
def test_the_text_has_what_it_should(row: dict[str, str], documents: dict[str, dict[str, object]]) -> None:
    squeezed = "".join(str(documents[URLS[row["slug"]]]["text"]).split())
    wanted = "".join(row["string"].split())
    assert (wanted in squeezed) == (row["rule"] == "must")


def test_every_record_is_accounted_for(golden_run: Path) -> None:
    funnel = json.loads((golden_run / "release" / "manifest.json").read_text())["funnel"]
    assert funnel["records"] == len(EXPECTED)
    assert funnel["quarantined"] == sum(row["fate"] == "quarantined" for row in EXPECTED)
    assert funnel["written"]["documents"] == sum(row["fate"] == "kept" for row in EXPECTED)


def test_the_release_holds_exactly_the_kept_documents(golden_run: Path) -> None:
    table = pq.read_table(golden_run / "release" / "data", columns=["url"])
    assert sorted(table["url"].to_pylist()) == sorted(row["url"] for row in EXPECTED if row["fate"] == "kept")
