"""The scheduler: one loop, a bounded window of tasks in flight, attempts counted here, failures kept apart."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.commit import Committed, consolidate
from pipeline.errors import InputError, ShortError, UsageError
from pipeline.executor import Executor, Handle
from pipeline.plan import Plan, band_units, barrier_unit, chain_units, committed, dedup_unit, shard_groups, survey
from pipeline.store import Store
from pipeline.task import PartRef, Result, Unit
from stages.base import MAIN, Stage

ATTEMPTS = 3
BACKOFF = 1.0  # seconds before the second attempt; doubled each time


class Listener(Protocol):
    """Hears how a run goes: a progress bar, a log, the record in `runs/`."""

    def phase(self, name: str, total: int, done: int) -> None: ...

    def finished(self, unit: Unit, result: Result) -> None: ...

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None: ...

    def tick(self, running: int) -> None: ...


@dataclass
class Outcome:
    """Everything committed for a plan: what the report, the manifest and the traces are made from."""

    parts: tuple[PartRef, ...] = ()
    markers: dict[str, dict[str, Committed]] = field(
        default_factory=lambda: defaultdict(dict)
    )  # part id -> key -> marker
    barriers: list[Committed] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # label, error
    shards: list[tuple[str, Committed]] = field(default_factory=list)  # source, marker; in canonical order
    ran: int = 0  # units that did any work

    def of(self, key: str, source: str | None = None) -> list[Committed]:
        """The markers of one stage, one a partition, of all sources or of one."""
        return [self.markers[part.id][key] for part in self.parts if source in (None, part.source)]


def run(plan: Plan, store: Store, executor: Executor, listener: Listener) -> Outcome:
    """Bring every stage of the plan to its commit. ShortError lists what failed after the rest was finished."""
    outcome = Outcome(parts=plan.parts)
    _phase_chains("documents", plan.chains, plan, outcome, store, executor, listener)
    _give_up(outcome, "the documents of these inputs are missing, so duplicates cannot be told yet")
    _phase_dedup(plan, outcome, store, executor, listener)
    _phase_chains("write", plan.writers, plan, outcome, store, executor, listener)
    _give_up(outcome, "the release would be incomplete")
    _phase_shards(plan, outcome, store, executor, listener)
    return outcome


def _phase_chains(
    name: str,
    chains: Mapping[str, Sequence[Stage]],
    plan: Plan,
    outcome: Outcome,
    store: Store,
    executor: Executor,
    listener: Listener,
) -> None:
    """Stages without a barrier: one task a partition takes it through all of them."""
    found = survey(store, chains, outcome.parts)
    units = chain_units(chains, found.todo)
    listener.phase(name, len(found.parts), len(found.parts) - len(units))
    parts = {part.id: part for part in found.parts}
    for id, markers in found.markers.items():
        outcome.markers[id].update(markers)
    results = _schedule(units, executor, listener, outcome)
    for unit, result in results:
        id = unit.parts[0].id
        for marker in result.markers:
            parts[id] = parts[id].add(marker.stage, marker.outputs[MAIN])
            outcome.markers[id][marker.stage] = marker
    outcome.parts = tuple(parts[part.id] for part in outcome.parts)
    if units and len(results) == len(units):
        _consolidate(store, [outcome.markers[part.id][s.key] for part in outcome.parts for s in chains[part.source]])


def _phase_dedup(plan: Plan, outcome: Outcome, store: Store, executor: Executor, listener: Listener) -> None:
    runs = _barrier("bands", band_units(plan, outcome.parts), outcome, store, executor, listener)
    (marker,) = _barrier("dedup", [dedup_unit(plan, outcome.parts, runs)], outcome, store, executor, listener)
    outcome.parts = tuple(part.add("dedup", marker.outputs[part.id]) for part in outcome.parts)


def _phase_shards(plan: Plan, outcome: Outcome, store: Store, executor: Executor, listener: Listener) -> None:
    stage = plan.recipe.shards()
    sizes = _written_bytes(outcome)
    megabytes: int = stage.megabytes  # type: ignore[attr-defined]
    groups = list(shard_groups(outcome.parts, sizes, megabytes))
    units = [barrier_unit(stage, members, f"{source} shard group {i}") for i, (source, members) in enumerate(groups)]
    markers = _barrier("shards", units, outcome, store, executor, listener)
    outcome.shards = [(source, marker) for (source, _), marker in zip(groups, markers, strict=True)]


def _barrier(
    name: str, units: Sequence[Unit], outcome: Outcome, store: Store, executor: Executor, listener: Listener
) -> list[Committed]:
    """The markers of barrier units, in their order: looked up where they exist, else run."""
    markers = {unit.label: marker for unit in units if (marker := committed(store, unit)) is not None}
    listener.phase(name, len(units), len(markers))
    todo = [unit for unit in units if unit.label not in markers]
    for unit, result in _schedule(todo, executor, listener, outcome):
        markers[unit.label] = result.markers[0]
    _give_up(outcome, "what comes after them cannot run without them")
    found = [markers[unit.label] for unit in units]
    outcome.barriers += found
    return found


def _written_bytes(outcome: Outcome) -> dict[str, int]:
    """Bytes of text that each partition wrote."""
    return {part.id: outcome.markers[part.id]["write"].counters.get("written.bytes", 0) for part in outcome.parts}


def _schedule(
    units: Iterable[Unit], executor: Executor, listener: Listener, outcome: Outcome
) -> list[tuple[Unit, Result]]:
    """Run units, large ones first. A unit that fails is tried again unless its input is at fault; then it is listed."""
    waiting = sorted(units, key=lambda unit: (-unit.weight, unit.label))
    delayed: list[tuple[float, Unit]] = []
    running: dict[Handle, Unit] = {}
    attempts: dict[str, int] = defaultdict(int)
    results: list[tuple[Unit, Result]] = []
    window = executor.workers * 3 if waiting else 0
    while waiting or delayed or running:
        now = time.monotonic()
        due = [unit for when, unit in delayed if when <= now]
        delayed = [(when, unit) for when, unit in delayed if when > now]
        waiting += due
        while waiting and len(running) < window:
            unit = waiting.pop(0)
            attempts[unit.label + unit.parts[0].id] += 1
            running[executor.submit(unit)] = unit
        listener.tick(len(running))
        for finished in executor.wait(0.5):
            unit = running.pop(finished.handle)
            if finished.result is not None:
                results.append((unit, finished.result))
                outcome.ran += bool(finished.result.ran)
                listener.finished(unit, finished.result)
                continue
            assert finished.error is not None
            attempt = attempts[unit.label + unit.parts[0].id]
            final = attempt >= ATTEMPTS or isinstance(finished.error, InputError | ShortError | UsageError)
            listener.failed(unit, attempt, finished.error, final)
            if final:
                outcome.failures.append((unit.label, f"{type(finished.error).__name__}: {finished.error}"))
            else:
                delayed.append((time.monotonic() + BACKOFF * 2 ** (attempt - 1), unit))
        if not running and delayed and not waiting:
            time.sleep(0.05)
    return results


def _consolidate(store: Store, markers: Sequence[Committed]) -> None:
    by_stage: dict[tuple[str, str], list[Committed]] = defaultdict(list)
    for marker in markers:
        by_stage[marker.stage, marker.stage_fp].append(marker)
    for group in by_stage.values():
        consolidate(store, group)


def _give_up(outcome: Outcome, consequence: str) -> None:
    if outcome.failures:
        listed = "\n".join(f"  {label}: {error}" for label, error in sorted(outcome.failures))
        raise ShortError(
            f"{len(outcome.failures)} of the tasks failed ({consequence}); everything else is committed, the same command "
            f"goes on from there:\n{listed}"
        )
