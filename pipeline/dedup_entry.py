"""What the manifest says of a dedup."""

from __future__ import annotations

from typing import Any

from pipeline.manifest import Bucket, Dedup
from pipeline.plan import Plan
from pipeline.run import Outcome
from pipeline.store import Store
from stages.dedup import CHOICE, SUMMARY
from stages.lsh import found

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


def _sizes(kind: str, rows: list[dict[str, Any]]) -> dict[str, int]:
    return {row["name"]: row["documents"] for row in rows if row["kind"] == kind}
