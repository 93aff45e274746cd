"""The scheduler: one loop, a bounded window of tasks in flight, attempts counted here, failures kept apart."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.alarms import Raised, raised, summary
from pipeline.barriers import template_lines
from pipeline.commit import Committed, consolidate
from pipeline.errors import InputError, RefusedError, ShortError, UsageError
from pipeline.executor import WINDOW, Executor, Handle
from pipeline.plan import (
    Plan,
    band_units,
    barrier_unit,
    cap_units,
    capped,
    chain_units,
    committed,
    dedup_unit,
    shard_groups,
    survey,
)
from pipeline.store import Store
from pipeline.task import PartRef, Result, Unit
from stages.base import MAIN, Stage
from stages.host_table import HostTable

ATTEMPTS = 3
BACKOFF = 1.0  # seconds before the second attempt; doubled each time


class Listener(Protocol):
    """Hears how a run goes: a progress bar, a log, the record in `runs/`."""

    def phase(self, name: str, total: int, done: int) -> None: ...

    def finished(self, unit: Unit, result: Result) -> None: ...

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None: ...

    def alarm(self, text: str) -> None: ...

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
    summary: list[dict[str, Any]] = field(default_factory=list)  # of dedup: `stages.dedup_summary`
    alarms: list[Raised] = field(default_factory=list)
    shards: list[tuple[str, str, Committed]] = field(default_factory=list)  # source, split, marker; in canonical order
    hosts: Committed | None = None  # the marker of the table of hosts
    ran: int = 0  # units that did any work

    def of(self, key: str, source: str | None = None) -> list[Committed]:
        """The markers of one stage, one a partition, of all sources or of one."""
        return [self.markers[part.id][key] for part in self.parts if source in (None, part.source)]


def run(plan: Plan, store: Store, executor: Executor, listener: Listener) -> Outcome:
    """Bring every stage of the plan to its commit. ShortError lists what failed after the rest was finished."""
    return _Run(plan, store, executor, listener, Outcome(parts=plan.parts)).all()


@dataclass
class _Run:
    """One pass over a plan: four phases, each looks up what is committed and schedules the rest."""

    plan: Plan
    store: Store
    executor: Executor
    listener: Listener
    outcome: Outcome

    def all(self) -> Outcome:
        self._chains("documents", self.plan.chains)
        self._give_up("the documents of these inputs are missing, so duplicates cannot be told yet")
        self._dedup()
        self._chains("deny", self.plan.denials)
        self._give_up("what was asked to be removed cannot be told from what stays")
        self._caps()
        self._chains("write", self.plan.writers)
        self._give_up("the release would be incomplete")
        (self.outcome.hosts,) = self._barrier("hosts", [barrier_unit(HostTable(), self.outcome.parts, "host-table")])
        self._shards()
        return self.outcome

    def _chains(self, name: str, chains: Mapping[str, Sequence[Stage]]) -> None:
        """Stages without a barrier: one task a partition takes it through all of them."""
        outcome = self.outcome
        found = survey(self.store, chains, outcome.parts)
        units = chain_units(chains, found.todo)
        self.listener.phase(name, len(found.parts), len(found.parts) - len(units))
        parts = {part.id: part for part in found.parts}
        for id, markers in found.markers.items():
            outcome.markers[id].update(markers)
        results = self._schedule(units)
        for unit, result in results:
            id = unit.parts[0].id
            for marker in result.markers:
                parts[id] = parts[id].add(marker.stage, marker.outputs[MAIN])
                outcome.markers[id][marker.stage] = marker
        outcome.parts = tuple(parts[part.id] for part in outcome.parts)
        if len(results) == len(units):  # also with none to run: the run that ran the last may have been killed here
            self._consolidate([outcome.markers[part.id][s.key] for part in outcome.parts for s in chains[part.source]])

    def _dedup(self) -> None:
        outcome = self.outcome
        runs = self._barrier("bands", band_units(self.plan, outcome.parts))
        (marker,) = self._barrier("dedup", [dedup_unit(self.plan, outcome.parts, runs)])
        outcome.parts = tuple(part.add("dedup", marker.outputs[part.id]) for part in outcome.parts)
        self._heed(marker)
        masked = template_lines(self.plan, outcome.parts, self._barrier)
        assert masked is not None  # only a look at what is committed may miss one
        outcome.parts = masked

    def _heed(self, dedup: Committed) -> None:
        """Stop before anything is written where dedup looks like a mistake. It is committed: nothing is done twice."""
        outcome, bounds = self.outcome, self.plan.recipe.alarms
        outcome.summary = summary(dedup, self.store)
        outcome.alarms = raised(outcome.summary, dedup.counters, outcome.of("minhash"), bounds)
        stops = [] if self.plan.ignore_alarms else [alarm for alarm in outcome.alarms if alarm.kind in bounds.stop]
        for alarm in outcome.alarms:
            if alarm not in stops:
                self.listener.alarm(str(alarm))
        if stops:
            listed = "\n".join(f"  {alarm}" for alarm in stops)
            raise ShortError(
                f"{len(stops)} alarm(s) of dedup, which is committed; nothing was written. If that is meant, run again "
                f"with --ignore-alarms or change [alarms]:\n{listed}"
            )

    def _caps(self) -> None:
        outcome, units = self.outcome, cap_units(self.plan, self.outcome.parts)
        if units:
            outcome.parts = capped(outcome.parts, self._barrier("caps", units))

    def _shards(self) -> None:
        outcome, recipe = self.outcome, self.plan.recipe
        groups: list[tuple[str, str]] = []
        units: list[Unit] = []
        for split in recipe.split_names:
            stage = recipe.shards(split)
            # Bytes of text of the split that each partition wrote.
            counter = f"written.bytes.{split}"
            sizes = {part.id: outcome.markers[part.id]["write"].counters.get(counter, 0) for part in outcome.parts}
            for source, members in shard_groups(outcome.parts, sizes, stage.megabytes):
                units.append(barrier_unit(stage, members, f"{source} {split} shard group {len(units)}"))
                groups.append((source, split))
        markers = self._barrier("shards", units)
        outcome.shards = [(*group, marker) for group, marker in zip(groups, markers, strict=True)]

    def _barrier(self, name: str, units: Sequence[Unit]) -> list[Committed]:
        """The markers of barrier units, in their order: looked up where they exist, else run."""
        markers = {unit.label: marker for unit in units if (marker := committed(self.store, unit)) is not None}
        self.listener.phase(name, len(units), len(markers))
        for unit, result in self._schedule([unit for unit in units if unit.label not in markers]):
            markers[unit.label] = result.markers[0]
        self._give_up("what comes after them cannot run without them")
        found = [markers[unit.label] for unit in units]
        self.outcome.barriers += found
        return found

    def _schedule(self, units: Sequence[Unit]) -> list[tuple[Unit, Result]]:
        """Run units, large ones first. A unit that fails is tried again unless its input is at fault; then it is listed."""
        waiting = sorted(units, key=lambda unit: (-unit.weight, unit.label))
        delayed: list[tuple[float, Unit]] = []
        running: dict[Handle, Unit] = {}
        attempts: Counter[str] = Counter()
        results: list[tuple[Unit, Result]] = []
        window = self.executor.workers * WINDOW if waiting else 0
        while waiting or delayed or running:
            now = time.monotonic()
            waiting += [unit for when, unit in delayed if when <= now]
            delayed = [(when, unit) for when, unit in delayed if when > now]
            while waiting and len(running) < window:
                unit = waiting.pop(0)
                running[self.executor.submit(unit)] = unit
            self.listener.tick(len(running))
            for finished in self.executor.wait(0.5):
                unit = running.pop(finished.handle)
                if finished.result is not None:
                    results.append((unit, finished.result))
                    self.outcome.ran += bool(finished.result.ran)
                    self.listener.finished(unit, finished.result)
                    continue
                assert finished.error is not None
                key = unit.label + unit.parts[0].id
                attempts[key] += 1
                if self._failed(unit, attempts[key], finished.error):
                    delayed.append((time.monotonic() + BACKOFF * 2 ** (attempts[key] - 1), unit))
                if isinstance(finished.error, RefusedError):  # asking on, for other inputs, would make it worse
                    waiting, delayed = [], []
                    for handle in self.executor.drop():
                        del running[handle]
            if not running and not waiting and delayed:
                time.sleep(0.05)
        return results

    def _failed(self, unit: Unit, attempt: int, error: BaseException) -> bool:
        """Whether to try again: not when the input is at fault, which another attempt would only meet again."""
        final = attempt >= ATTEMPTS or isinstance(error, InputError | ShortError | UsageError | RefusedError)
        self.listener.failed(unit, attempt, error, final)
        if final:
            self.outcome.failures.append((unit.label, " ".join(f"{type(error).__name__}: {error}".split())))
        return not final

    def _consolidate(self, markers: Sequence[Committed]) -> None:
        by_stage: dict[tuple[str, str], list[Committed]] = defaultdict(list)
        for marker in markers:
            by_stage[marker.stage, marker.stage_fp].append(marker)
        for group in by_stage.values():
            consolidate(self.store, group)

    def _give_up(self, consequence: str) -> None:
        if self.outcome.failures:
            listed = "\n".join(f"  {label}: {error}" for label, error in sorted(self.outcome.failures))
            raise ShortError(
                f"{len(self.outcome.failures)} of the tasks failed ({consequence}); everything else is committed, the "
                f"same command goes on from there:\n{listed}"
            )
