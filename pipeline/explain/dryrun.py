"""A dry run: the real stages up to one of them on a sample of the real inputs, with excerpts of what it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.engine.plan import Plan, chain_units
from pipeline.engine.runners import Inline
from pipeline.errors import ShortError, UsageError
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef
from stages.base import Stage

FILES = 4  # files of each source that a dry run looks into


@dataclass(frozen=True)
class Sampled:
    """One document of the sample: what the last stage that was run knows of it."""

    source: str
    url: str
    text: str
    reason: str  # '' = kept so far


def stage_names(plan: Plan) -> list[str]:
    names: list[str] = []
    for chain in plan.chains.values():
        names += [stage.key for stage in chain if stage.key not in names]
    return names


def dry_run(plan: Plan, store: Store, root: str, upto: str) -> tuple[list[Sampled], dict[str, int]]:
    """Run the chains up to `upto` in this process. Returns the documents and the counters of what was passed by."""
    names = stage_names(plan)
    if upto not in names:
        raise UsageError(f"--stage {upto}: a dry run goes up to one of {', '.join(names)}")
    chains = {source: _cut(chain, upto) for source, chain in plan.chains.items()}
    executor = Inline(root)
    documents: list[Sampled] = []
    passed: dict[str, int] = {}
    for unit in chain_units(chains, _first_files(plan)):
        executor.submit(unit)
        (finished,) = executor.wait(0)
        if finished.result is None:
            raise ShortError(f"{unit.label}: {finished.error}") from finished.error
        outputs = unit.parts[0]
        for marker in finished.result.markers:
            outputs = outputs.add(marker.stage, marker.outputs["rows"])
        for name, n in finished.result.markers[0].counters.items():
            if name.startswith("passed."):
                passed[name] = passed.get(name, 0) + n
        documents += _documents(outputs, store)
    return documents, dict(sorted(passed.items()))


def _cut(chain: Sequence[Stage], upto: str) -> tuple[Stage, ...]:
    keys = [stage.key for stage in chain]
    return tuple(chain[: keys.index(upto) + 1])


def _first_files(plan: Plan) -> list[PartRef]:
    """A few partitions of every source, spread evenly over the canonical order."""
    chosen: list[PartRef] = []
    for source in plan.recipe.sources:
        parts = [part for part in plan.parts if part.source == source.name]
        step = max(1, len(parts) // FILES)
        chosen += parts[::step][:FILES]
    return chosen


def _documents(ref: PartRef, store: Store) -> Iterator[Sampled]:
    judged = next((key for key in ("verdict", "judge") if key in ref.outputs), None)
    columns: dict[str, Sequence[str]] = {"extract": ("url", "text", "reason")}
    if judged:
        columns[judged] = ("reason",)
    part = ref.open(store, list(columns))
    for batch in part.groups(columns):
        reasons = batch[judged or "extract"]["reason"].to_pylist()
        rows: list[dict[str, Any]] = batch["extract"].to_pylist()
        for row, reason in zip(rows, reasons, strict=True):
            yield Sampled(ref.source, row["url"], row["text"], reason)
