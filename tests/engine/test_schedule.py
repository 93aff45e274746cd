"""The loop: every unit once, large ones first, a bounded window, and what each kind of failure costs."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine.runners import Processes
from pipeline.engine.schedule import ATTEMPTS, LONGEST_BACKOFF, LOST, schedule
from pipeline.errors import DiskFullError, InputError, RefusedError
from pipeline.store.folder import LocalStore
from pipeline.tasks.executor import WINDOW, MemoryKillError, NodeLostError, WorkerDiedError
from pipeline.tasks.machine import memory_kills, total_memory
from pipeline.tasks.needs import Needs, needs_of
from pipeline.tasks.task import PartRef, Result, Unit
from stages.base import SourceFile, Stage
from stages.dedup.dedup import Dedup
from stages.edits.edits import Edits
from tests.simulation import Simulated

NOTHING = LocalStore("/nowhere")


class Heard:
    """What a listener hears."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.failures: list[tuple[str, int, bool]] = []
        self.needs: dict[str, Needs] = {}
        self.running: list[int] = []
        self.aside: set[str] = set()  # that were done with their texts in a child

    def finished(self, unit: Unit, result: Result) -> None:
        self.done.append(unit.label)
        self.needs[unit.label] = unit.needs
        if unit.aside:
            self.aside.add(unit.label)

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None:
        self.failures.append((unit.label, attempt, final))

    def tick(self, running: int) -> None:
        self.running.append(running)


def unit(name: str, weight: int = 1) -> Unit:
    part = PartRef(name, "s", 0, SourceFile(f"/{name}", "ab" * 32, weight), {})
    return Unit(name, (), (), (part,), weight, Needs(memory=100, scratch=10))


class Faulty:
    """The errors that each unit meets, one an attempt; then it is done."""

    def __init__(self, errors: dict[str, list[BaseException]]) -> None:
        self.errors = errors

    def __call__(self, unit: Unit, ran: int) -> BaseException | None:
        met = self.errors.get(unit.label, [])
        return met[ran] if ran < len(met) else None


def play(units: list[Unit], workers: int = 2, **errors: list[BaseException]) -> tuple[Heard, Simulated, list[str]]:
    heard, done = Heard(), []
    executor = Simulated(NOTHING, workers, lambda unit: float(unit.weight), Faulty(errors))
    failures = schedule(units, executor, heard, lambda unit, _: done.append(unit.label))
    assert done == heard.done
    return heard, executor, [label for label, _ in failures]


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 50), max_size=40),
    workers=st.integers(1, 5),
    crashes=st.lists(st.integers(0, ATTEMPTS), max_size=40),
)
def test_every_unit_is_done_once_or_given_up_and_the_window_holds(
    weights: list[int], workers: int, crashes: list[int]
) -> None:
    units = [unit(f"u{i:02d}", weight) for i, weight in enumerate(weights)]
    errors: dict[str, list[BaseException]] = {
        f"u{i:02d}": [WorkerDiedError("killed")] * n for i, n in enumerate(crashes) if i < len(units)
    }
    heard, executor, failed = play(units, workers, **errors)
    assert sorted(heard.done + failed) == [each.label for each in units]
    assert failed == [label for label, _, final in heard.failures if final]
    assert set(failed) == {label for label, met in errors.items() if len(met) >= ATTEMPTS}
    assert executor.most_in_flight <= workers * WINDOW
    assert max(heard.running, default=0) <= workers


def test_large_units_go_first_and_a_failed_one_is_not_sent_to_the_end() -> None:
    units = [unit(f"u{weight}", weight) for weight in (1, 5, 3, 9, 7)]
    _, executor, _ = play(units, 1)
    assert list(executor.begun) == ["u9", "u7", "u5", "u3", "u1"]
    many = [unit("big", 40), *(unit(f"s{i:02d}", 2) for i in range(20))]
    _, executor, _ = play(many, 1, big=[WorkerDiedError("killed")])
    assert executor.begun.index("big", 1) < 10, "its second attempt waits for its pause, not for all small ones"


def test_an_input_at_fault_is_not_tried_again() -> None:
    heard, _, failed = play([unit("a"), unit("b")], a=[InputError("cut off")])
    assert failed == ["a"]
    assert heard.done == ["b"]
    assert heard.failures == [("a", 1, True)]


def test_a_kill_for_memory_costs_one_try_with_twice_as_much() -> None:
    kill = MemoryKillError("killed")
    heard, _, failed = play([unit("once"), unit("twice")], once=[kill], twice=[kill, kill])
    assert heard.needs["once"].memory == 200
    assert failed == ["twice"]
    assert Counter(label for label, _, _ in heard.failures) == {"once": 1, "twice": 2}


def test_the_last_attempt_after_two_dead_workers_hands_the_texts_to_a_child() -> None:
    died = WorkerDiedError("SIGSEGV")
    heard, _, failed = play(
        [unit("text"), unit("once"), unit("other")], text=[died, died], once=[died], other=[ValueError("a bug")] * 2
    )
    assert not failed
    assert heard.aside == {"text"}
    assert heard.needs["text"].memory == 200, "and the child needs memory too"


def test_nodes_that_vanish_hardly_count_against_a_unit_but_do_in_the_end() -> None:
    lost = NodeLostError("gone")
    heard, executor, failed = play(
        [unit("spot"), unit("curse")],
        spot=[*[lost] * (LOST - 1), *[WorkerDiedError("killed")] * (ATTEMPTS - 1)],
        curse=[lost] * LOST,
    )
    assert failed == ["curse"]
    assert heard.done == ["spot"]
    assert executor.now() < (LOST + ATTEMPTS) * LONGEST_BACKOFF


def test_a_full_disk_is_waited_for_with_a_larger_estimate() -> None:
    heard, _, failed = play([unit("a")], a=[DiskFullError("full")])
    assert not failed
    assert heard.needs["a"].scratch == 20


def test_pauses_grow() -> None:
    _, executor, _ = play([unit("a")], a=[WorkerDiedError("killed")] * 2)
    assert executor.now() >= 1 + 2 + 3, "three attempts of a second, pauses of one and two"


def test_a_server_that_refuses_ends_it_all() -> None:
    heard, executor, failed = play([unit(f"u{i}", 9 - i) for i in range(9)], 1, u0=[RefusedError("403")])
    assert failed == ["u0"]
    assert list(executor.begun) == ["u0", "u1"], "the next had begun before the driver heard of it"
    assert heard.done == ["u1"]


def test_needs_are_those_of_the_greediest_stage() -> None:
    class Greedy(Edits):
        memory_bytes = 5 << 30
        cpus = 2.0

    chain: list[Stage] = [Edits(), Greedy()]
    assert needs_of(chain, 100, fetched=50) == Needs(5 << 30, 2.0, 50, 150)
    assert needs_of([Dedup()], 10**12).memory > needs_of([Dedup()], 10**6).memory, "it holds a bit of each input"


class Local(Processes):
    """Without processes: what would run at once."""

    def __init__(self, workers: int, memory: int) -> None:
        super().__init__("/nowhere", workers, memory)

    def fits(self, beside: list[Needs], needs: Needs) -> bool:
        from pipeline.engine.runners import _Running

        self._running = {object(): _Running(i, i, each, None, 0) for i, each in enumerate(beside)}  # type: ignore[misc]
        return self._fits(needs)


def test_the_local_runner_keeps_within_the_memory_of_the_machine() -> None:
    local = Local(4, memory=10)
    assert local.fits([], Needs(memory=1000)), "one alone always runs"
    assert local.fits([Needs(memory=6)], Needs(memory=4))
    assert not local.fits([Needs(memory=6)], Needs(memory=5))
    assert not local.fits([Needs(memory=1, cpus=3)], Needs(memory=1, cpus=2))
    local._running = {}
    local.close()


def test_what_the_machine_tells() -> None:
    assert 1 << 28 < total_memory() < 1 << 50
    assert memory_kills() >= 0
