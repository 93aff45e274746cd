"""A run: its phases, each of which looks up what is committed and has the rest scheduled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.commit.commit import Committed
from pipeline.commit.consolidate import Gathered
from pipeline.commit.tally import Tally
from pipeline.engine.against import as_parts, index_units, known, unbuilt
from pipeline.engine.barriers import template_lines
from pipeline.engine.plan import (
    Plan,
    band_units,
    barrier_unit,
    cap_units,
    capped,
    chain_units,
    committed,
    dedup_unit,
    shard_groups,
)
from pipeline.engine.schedule import Listener as Schedules
from pipeline.engine.schedule import schedule
from pipeline.engine.survey import Seen, walk
from pipeline.errors import ShortError
from pipeline.recipe.alarms import Raised, raised, summary
from pipeline.store.store import Store
from pipeline.tasks.executor import Executor
from pipeline.tasks.task import PartRef, Result, Unit
from stages.base import MAIN, Stage
from stages.indexes.new_hosts import NewHosts
from stages.release.host_table import HostTable

WRITTEN_BYTES = "written.bytes."  # counters of `write`: bytes of text by split


class Listener(Schedules, Protocol):
    """Hears how a run goes: a live view, a log, the record in `runs/`."""

    def looking(self, name: str) -> None:
        """A phase begins: what is committed of it is being looked up."""

    def phase(self, name: str, units: int, committed: int, left: Sequence[Unit]) -> None:
        """So many units has the phase, so many are committed already; `left` are going to run."""

    def totals(self, documents: int, tokens: int) -> None:
        """Documents extracted and tokens in them, by the markers that have been seen: each counts exactly once."""

    def alarm(self, text: str) -> None:
        """Something about duplicates that looks like a mistake, and that the recipe wants to be told of."""


@dataclass
class Outcome:
    """What the report, the manifest and the traces need of everything that is committed for a plan."""

    parts: tuple[PartRef, ...] = ()
    sums: dict[tuple[str, str], Tally] = field(default_factory=lambda: defaultdict(Tally))  # source, stage key -> sums
    written: dict[str, Mapping[str, int]] = field(default_factory=dict)  # part id -> split -> bytes of text
    barriers: list[Committed] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # label, error
    summary: list[dict[str, Any]] = field(default_factory=list)  # of dedup: `stages.dedup.summary`
    alarms: list[Raised] = field(default_factory=list)
    shards: list[tuple[str, str, Committed]] = field(default_factory=list)  # source, split, marker; in canonical order
    hosts: Committed | None = None  # the marker of the table of hosts
    indexes: tuple[PartRef, ...] = ()  # of other corpora, a part a file
    ran: int = 0  # units that did any work

    def of(self, key: str, source: str | None = None) -> Tally:
        """The markers of one stage, one a partition, of all sources or of one."""
        total = Tally()
        for (name, stage), sums in self.sums.items():
            if stage == key and source in (None, name):
                total.include(sums)
        return total


def run(plan: Plan, store: Store, executor: Executor, listener: Listener) -> Outcome:
    """Bring every stage of the plan to its commit. ShortError lists what failed after the rest was finished."""
    return _Run(plan, store, executor, listener, Outcome(parts=plan.parts)).all()


def run_indexes(plan: Plan, store: Store, executor: Executor, listener: Listener) -> tuple[PartRef, ...]:
    """Bring only the indexes of a plan to their commit."""
    return _Run(plan, store, executor, listener, Outcome(parts=plan.parts)).indexes()


@dataclass
class _Run:
    """One pass over a plan: its phases in their order."""

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
        if self.plan.recipe.against:
            self._barrier("new-hosts", [barrier_unit(NewHosts(), self.outcome.parts, "new-hosts")])
        self._shards()
        return self.outcome

    def _chains(self, name: str, chains: Mapping[str, Sequence[Stage]]) -> None:
        """Stages without a barrier: one task a partition takes it through all of them."""
        outcome, needed = self.outcome, self.plan.read_later
        bits = {key: 1 << n for n, key in enumerate({stage.key: None for chain in chains.values() for stage in chain})}
        self.listener.looking(name)
        with self.store.scratch() as scratch, Gathered(self.store, scratch) as gathered:
            counted: dict[str, int] = defaultdict(int)  # part id -> bits of the stages whose marker is in the sums

            def see(seen: Seen) -> None:
                counted[seen.part.id] |= bits[seen.marker.stage]
                gathered.add(seen.marker, seen.set_name)
                self._count(seen.part, seen.marker)

            def done(unit: Unit, result: Result) -> None:
                (ref,) = unit.parts
                part = parts[ref.id]
                for marker in result.markers:
                    gathered.add(marker)
                    if not counted[part.id] & bits[marker.stage]:
                        self._count(part, marker)
                    if marker.stage in needed:
                        part = part.add(marker.stage, marker.outputs[MAIN])
                parts[part.id] = part.only(needed)
                outcome.ran += bool(result.ran)
                self._tell()

            walked = walk(self.store, chains, outcome.parts, see, needed)
            parts = {part.id: part for part in walked.parts}
            units = chain_units(chains, walked.todo)
            self.listener.phase(name, len(parts), len(parts) - len(units), units)
            self._tell()
            failed = self._schedule(units, done)
            outcome.parts = tuple(parts.values())
            if not failed:
                gathered.write()

    def _count(self, part: PartRef, marker: Committed) -> None:
        self.outcome.sums[part.source, marker.stage].add(marker)
        if marker.stage == "write":
            counters = marker.counters.items()
            sizes = {name.removeprefix(WRITTEN_BYTES): n for name, n in counters if name.startswith(WRITTEN_BYTES)}
            self.outcome.written[part.id] = sizes

    def _tell(self) -> None:
        sums = self.outcome.sums.items()
        documents = sum(tally.rows for (_, stage), tally in sums if stage == "extract")
        tokens = sum(tally.counters["tokens"] for (_, stage), tally in sums if stage == "tokens")
        self.listener.totals(documents, tokens)

    def _known(self) -> None:
        """What the indexes of other corpora know."""
        outcome = self.outcome
        outcome.indexes = self.indexes()
        compared = known(self.plan, outcome.parts, outcome.indexes, self._barrier)
        assert compared is not None  # only a look at what is committed may miss one
        outcome.parts = compared

    def indexes(self) -> tuple[PartRef, ...]:
        """The indexes of other corpora; those that are not committed yet are built."""
        found = unbuilt(self.plan, self.store)
        units = index_units(self.plan, found.todo)
        markers = {id: dict(of_part) for id, of_part in found.markers.items()}

        def done(unit: Unit, result: Result) -> None:
            markers[unit.parts[0].id].update({marker.stage: marker for marker in result.markers})
            self.outcome.ran += bool(result.ran)

        if found.parts:
            self.listener.looking("index")
            self.listener.phase("index", len(found.parts), len(found.parts) - len(units), units)
        self._schedule(units, done)
        self._give_up("without the indexes nobody can tell what is known")
        if markers:  # also with none to run: the run that built the last may have been killed here
            with self.store.scratch() as scratch, Gathered(self.store, scratch) as gathered:
                for of_part in markers.values():
                    gathered.add(of_part["index"])
                gathered.write()
        return as_parts(self.plan, markers)

    def _dedup(self) -> None:
        self._known()
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
        outcome.alarms = raised(outcome.summary, dedup.counters, outcome.of("minhash").counters, bounds)
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
            sizes = {part.id: outcome.written[part.id].get(split, 0) for part in outcome.parts}
            for source, members in shard_groups(outcome.parts, sizes, stage.megabytes):
                units.append(barrier_unit(stage, members, f"{source} {split} shard group {len(units)}"))
                groups.append((source, split))
        markers = self._barrier("shards", units)
        outcome.shards = [(*group, marker) for group, marker in zip(groups, markers, strict=True)]

    def _barrier(self, name: str, units: Sequence[Unit]) -> list[Committed]:
        """The markers of barrier units, in their order: looked up where they exist, else run."""
        self.listener.looking(name)
        markers = {unit.label: marker for unit in units if (marker := committed(self.store, unit)) is not None}
        left = [unit for unit in units if unit.label not in markers]
        self.listener.phase(name, len(units), len(markers), left)

        def done(unit: Unit, result: Result) -> None:
            (markers[unit.label],) = result.markers
            self.outcome.ran += bool(result.ran)

        self._schedule(left, done)
        self._give_up("what comes after them cannot run without them")
        found = [markers[unit.label].slim() for unit in units]
        self.outcome.barriers += found
        return found

    def _schedule(self, units: Sequence[Unit], done: Callable[[Unit, Result], None]) -> bool:
        """Whether any was given up."""
        failures = schedule(units, self.executor, self.listener, done)
        self.outcome.failures += failures
        return bool(failures)

    def _give_up(self, consequence: str) -> None:
        if self.outcome.failures:
            listed = "\n".join(f"  {label}: {error}" for label, error in sorted(self.outcome.failures))
            raise ShortError(
                f"{len(self.outcome.failures)} of the tasks failed ({consequence}); everything else is committed, the "
                f"same command goes on from there:\n{listed}"
            )
