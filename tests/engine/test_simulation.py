"""The driver over 2,000 partitions on simulated workers: counts, never seconds (`tests.bench.scheduler` has those)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline.commit.commit import Committed, canonical
from pipeline.engine.run import Outcome, run
from pipeline.engine.survey import walk
from pipeline.store.folder import LocalStore
from pipeline.store.sealed import unseal
from pipeline.store.store import Entry
from pipeline.tasks.executor import WorkerDiedError
from pipeline.tasks.task import Unit
from tests.engine.test_schedule import Heard
from tests.simulation import COUNTERS, Simulated, simulated_plan

PARTITIONS = 2_000


class Phases(Heard):
    def __init__(self) -> None:
        super().__init__()
        self.phases: dict[str, tuple[int, int, int]] = {}
        self.told: list[tuple[int, int]] = []

    def looking(self, name: str) -> None:
        """Nothing to hear yet."""

    def phase(self, name: str, units: int, committed: int, left: list[Unit]) -> None:
        self.phases[name] = units, committed, len(left)

    def alarm(self, line: str) -> None:
        raise AssertionError(line)

    def totals(self, documents: int, tokens: int) -> None:
        self.told.append((documents, tokens))


class Counting(LocalStore):
    """A store that counts what the driver asks of it, and in which every output that is not deleted lies, empty."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: Counter[str] = Counter()
        self.made: dict[str, dict[str, int]] = {}
        self.deleted: set[str] = set()

    def read(self, name: str) -> bytes | None:
        self.asked["read"] += 1
        return super().read(name)

    def size(self, name: str) -> int | None:
        self.asked["size"] += 1
        return self._size(name)

    def entries(self, folder: str) -> list[Entry]:
        self.asked["entries"] += 1
        there = self.made.get(folder, {})
        return [Entry(name, size, 0.0) for name, size in there.items() if name not in self.deleted]

    def _size(self, name: str) -> int | None:
        return None if name in self.deleted else self.made.get(name.rpartition("/")[0], {}).get(name)


def sums(outcome: Outcome) -> dict[tuple[str, str], object]:
    return {key: (tally.markers, tally.rows, tally.counters, tally.reasons) for key, tally in outcome.sums.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulated")


def test_a_run_its_failures_and_its_start_when_all_is_committed(place: Path) -> None:
    plan = simulated_plan(place, PARTITIONS)
    store = Counting(place / "work")
    crashed: set[str] = set()

    def crash(unit: Unit, ran: int) -> WorkerDiedError | None:
        """One unit in ten loses its worker once."""
        if ran or not unit.parts[0].id.startswith("0") or len(unit.parts) > 1:
            return None
        crashed.add(unit.label)
        return WorkerDiedError("killed")

    heard = Phases()
    executor = Simulated(store, 64, fault=crash, noted=store.made)
    first = run(plan, store, executor, heard)
    assert crashed
    assert heard.phases["documents"] == (PARTITIONS, 0, PARTITIONS)
    assert max(Counter(heard.done).values()) <= 3, "documents, deny and write; nothing twice"
    chain = plan.chains["crawl"]
    assert {first.of(stage.key).markers for stage in chain} == {PARTITIONS}
    assert first.of("extract").counters["records"] == PARTITIONS * COUNTERS["extract"]["records"]
    assert heard.told[-1] == (PARTITIONS * 100, PARTITIONS * COUNTERS["tokens"]["tokens"])
    assert executor.most_in_flight == 64 * 3

    # What is behind the chains alone is remembered of them, in a third of what a dictionary takes.
    assert set(first.parts[0].outputs) <= plan.read_later
    assert "judge" not in first.parts[0].outputs

    # Everything committed: a read and a listing a stage, whatever the number of partitions.
    store.asked.clear()
    again, heard = Simulated(store, 64, noted=store.made), Phases()
    second = run(plan, store, again, heard)
    assert not again.begun
    assert sums(second) == sums(first)
    assert second.parts == first.parts
    barriers = sum(units for name, (units, _, _) in heard.phases.items() if name not in ("documents", "deny", "write"))
    assert store.asked["read"] <= len(chain) + len(plan.writers["crawl"]) + 1 + 2 * barriers
    assert store.asked["size"] <= PARTITIONS + 2 * barriers, (
        "one for each output of a barrier; dedup has one a partition"
    )

    # An output that was deleted is missed, and its partition alone runs again.
    for consolidated in sorted((place / "work/stages").glob("*/*/STAGE-*.json")):
        _spread(consolidated)
    store.deleted.add(second.parts[7].outputs["tokens"]["path"])
    third, heard = Simulated(store, 64, noted=store.made), Phases()
    outcome = run(plan, store, third, heard)
    assert heard.phases["documents"] == (PARTITIONS, PARTITIONS - 1, 1)
    assert sums(outcome) == sums(first), "what was seen before it ran is not counted once more when it has run"


def test_a_set_that_grows_is_consolidated_with_what_stood_in_the_old_file(place: Path) -> None:
    small, store = simulated_plan(place, 20), LocalStore(place / "grows")
    run(small, store, Simulated(store, 4), Phases())
    large = simulated_plan(place, 30)
    for file in sorted((place / "grows/stages").glob("*/*/STAGE-*.json")):
        _spread(file)
    run(large, store, Simulated(store, 4), Phases())
    seen: list[Committed] = []
    named: set[str] = set()

    def see(each: object) -> None:
        seen.append(each.marker)  # type: ignore[attr-defined]
        named.add(each.set_name)  # type: ignore[attr-defined]

    walked = walk(store, large.chains, large.parts, see)
    assert not walked.todo
    assert "" not in named, "every marker came out of a consolidated file"
    assert Counter(marker.stage for marker in seen) == {stage.key: 30 for stage in large.chains["crawl"]}


def _spread(consolidated: Path) -> None:
    """The markers by themselves, as real workers write them; the simulated ones leave them to the consolidated file."""
    for marker in unseal(consolidated.read_bytes())["markers"]:
        file = consolidated.parent / "commit" / f"{marker['part_fp']}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(canonical(marker))
