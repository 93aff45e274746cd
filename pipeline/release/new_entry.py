"""What the manifest says of the corpora that a run was compared with, and of what it adds to them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

from pipeline.commit.commit import canonical
from pipeline.engine.plan import Plan
from pipeline.engine.run import Outcome
from pipeline.manifest.duplicates import Indexed, New, NewHost
from pipeline.release.dedup_entry import CURVE
from pipeline.store.store import Store
from stages.base import MAIN
from stages.indexes.compact import clear
from stages.signatures.lsh import Shape, found

MOST = 20  # hosts that are named


def new_entry(plan: Plan, store: Store, outcome: Outcome) -> New | None:
    """None where the recipe is compared with nothing."""
    if not plan.recipe.against:
        return None
    stage = plan.recipe.known()
    (hosts,) = (marker for marker in outcome.barriers if marker.stage == "new-hosts")
    rows: Iterator[dict[str, Any]] = (row for table in hosts.rows(store, MAIN).groups() for row in table.to_pylist())
    counted, shape = hosts.counters, Shape(stage.bands, stage.rows)
    return New(
        against=[_indexed(each.name, outcome) for each in plan.recipe.against],
        similarity=stage.similarity,
        errors=stage.errors,
        found={
            f"{jaccard:g}": round(found(jaccard, shape) * clear(jaccard, stage.bins, stage.similarity, stage.errors), 6)
            for jaccard in CURVE
        },
        documents=counted["documents"],
        characters=counted["characters"],
        known=counted["known"],
        known_characters=counted["known_characters"],
        known_exactly=_of_known(outcome, "known.exact"),
        hosts=counted["hosts"],
        most=[NewHost(**_without(row)) for row in itertools.islice(rows, MOST) if row["documents"]],
    )


def _indexed(name: str, outcome: Outcome) -> Indexed:
    files = [part.outputs["index"] for part in outcome.indexes if part.source == name]
    return Indexed(
        name=name,
        sha256=hashlib.sha256(canonical(sorted(file["sha256"] for file in files))).hexdigest(),
        documents=sum(file["rows"] for file in files),
        left_out=sum(file["left_out"] for file in files),
        known=_of_known(outcome, f"by.{name}"),
    )


def _of_known(outcome: Outcome, counter: str) -> int:
    return sum(marker.counters.get(counter, 0) for marker in outcome.barriers if marker.stage == "known")


def _without(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in NewHost.model_fields}
