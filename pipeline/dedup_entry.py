"""What the manifest says of a dedup."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from typing import Any

from pipeline.manifest import Bucket, Dedup, HostSize, New, Templates
from pipeline.plan import Plan, survey
from pipeline.run import Outcome
from pipeline.store import Store
from stages.base import MAIN
from stages.dedup import CHOICE, SUMMARY
from stages.lsh import found

MOST = 20  # hosts that are named
CURVE = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def dedup_entry(plan: Plan, store: Store, outcome: Outcome) -> Dedup:
    stage, shape = plan.recipe.dedup(), plan.recipe.bands().shape
    (marker,) = (m for m in outcome.barriers if m.stage == "dedup")
    rows = marker.rows(store, SUMMARY).read().to_pylist()
    return Dedup(
        levels=[level for level in CHOICE if level in stage.levels],
        similarity=stage.similarity,
        bands=shape.bands,
        band_rows=shape.rows,
        catch={f"{jaccard:g}": round(found(jaccard, shape), 6) for jaccard in CURVE},
        counters=dict(marker.counters),
        components=_sizes("component", rows),
        clusters=_sizes("cluster", rows),
        buckets=[
            Bucket(key=row["name"], documents=row["documents"], example=row["example"])
            for row in rows
            if row["kind"] == "bucket"
        ],
        alarms=[alarm.text for alarm in outcome.alarms],
    )


def new_entry(plan: Plan, store: Store, outcome: Outcome) -> New | None:
    if not plan.against:
        return None
    stage = plan.recipe.known()
    found = survey(store, plan.index_chains, plan.against)
    indexed: Counter[str] = Counter()
    for part in plan.against:
        indexed[part.source] += found.markers[part.id]["index"].counters["documents"]
    (hosts,) = (marker for marker in outcome.barriers if marker.stage == "new-hosts")
    exactly = sum(m.counters.get("known.exact", 0) for m in outcome.barriers if m.stage == "known")
    first = itertools.islice((row for table in hosts.rows(store, MAIN).groups() for row in table.to_pylist()), MOST)
    counted = hosts.counters
    return New(
        against=dict(sorted(indexed.items())),
        similarity=stage.similarity,
        errors=stage.errors,
        documents=counted["documents"],
        characters=counted["characters"],
        known=counted["known"],
        known_characters=counted["known_characters"],
        known_exactly=exactly,
        hosts=counted["hosts"],
        most=[
            HostSize(host=row["host"], documents=row["documents"], characters=row["characters"], known=row["known"])
            for row in first
            if row["documents"]
        ],
    )


def templates_entry(plan: Plan, outcome: Outcome) -> Templates | None:
    rule = plan.recipe.template_lines
    if rule is None:
        return None
    found = [marker.counters for marker in outcome.barriers if marker.stage == "template-lines"]
    written = [marker.counters for marker in outcome.of("write")]
    return Templates(
        rule=dataclasses.asdict(rule),
        of_hosts=sum(counters.get("templates.host", 0) for counters in found),
        of_all=sum(counters.get("templates.hosts", 0) for counters in found),
        documents=sum(counters.get("template.documents", 0) for counters in written),
        lines=sum(counters.get("template.lines", 0) for counters in written),
        characters=sum(counters.get("template.characters", 0) for counters in written),
    )


def _sizes(kind: str, rows: list[dict[str, Any]]) -> dict[str, int]:
    return {row["name"]: row["documents"] for row in rows if row["kind"] == kind}
