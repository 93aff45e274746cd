from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from pipeline.commit.commit import canonical, load, load_set, stage_fingerprint
from pipeline.commit.sink import CommitSink
from pipeline.errors import ShortError
from pipeline.store.folder import LocalStore
from pipeline.tasks.task import PartRef, Unit, execute, part_fingerprint
from stages.base import MAIN, NEUTRAL, Inputs, Sink, SourceFile, Stage


@dataclass(frozen=True)
class Numbers(Stage):
    """Writes the numbers below `n`; `slow` changes nothing."""

    n: int = 3
    slow: bool = field(default=False, metadata=NEUTRAL)

    name: ClassVar[str] = "numbers"
    version: ClassVar[int] = 1

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: pa.schema([("n", pa.int64())])}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        sink.write(pa.table({"n": list(range(self.n))}))
        sink.count("documents", self.n)
        sink.count("kept", self.n)


@dataclass(frozen=True)
class Leaky(Numbers):
    """Says that it saw more documents than it accounts for."""

    name: ClassVar[str] = "leaky"

    def run(self, inputs: Inputs, sink: Sink) -> None:
        super().run(inputs, sink)
        sink.count("documents", 1)


PART = PartRef("p", "s", 0, SourceFile(__file__, "ab" * 32, Path(__file__).stat().st_size), {})


def unit(stage: Stage) -> Unit:
    return Unit("u", (stage,), (stage_fingerprint(stage),), (PART,), 1)


def test_a_second_execution_does_nothing_and_says_the_same(tmp_path: Path) -> None:
    first = execute(unit(Numbers()), str(tmp_path))
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*") if f.is_file()}
    again = execute(unit(Numbers()), str(tmp_path))
    assert (first.ran, again.ran) == (("numbers",), ())
    assert first.markers == again.markers
    assert {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*") if f.is_file()} == before


def test_parameters_are_in_the_fingerprint_and_neutral_ones_are_not() -> None:
    assert stage_fingerprint(Numbers(3)) != stage_fingerprint(Numbers(4))
    assert stage_fingerprint(Numbers(slow=True)) == stage_fingerprint(Numbers(slow=False))


def test_the_fingerprint_of_a_partition_is_its_content_not_its_place() -> None:
    moved = PartRef("p", "s", 0, SourceFile("/elsewhere", "ab" * 32, 1), {})
    other = PartRef("p", "s", 0, SourceFile("/nowhere", "cd" * 32, 1), {})
    prints = [part_fingerprint(Numbers(), "fp", [part]) for part in (PART, moved, other)]
    assert prints[0] == prints[1] != prints[2]


def test_what_does_not_add_up_is_never_committed(tmp_path: Path) -> None:
    with pytest.raises(ShortError, match="documents in = kept \\+ rejected does not hold: 4 != 3"):
        execute(unit(Leaky()), str(tmp_path))
    assert not list(tmp_path.glob("stages/*/*/commit/*"))


def test_a_crash_before_the_marker_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalStore, "create", crash)
    with pytest.raises(KeyboardInterrupt):
        execute(unit(Numbers()), str(tmp_path))
    monkeypatch.undo()
    assert list(tmp_path.glob("stages/*/*/data/*")), "the data lie there"
    assert not list(tmp_path.glob("stages/*/*/commit/*")), "but do not count"
    assert execute(unit(Numbers()), str(tmp_path)).ran == ("numbers",)
    assert not list((tmp_path / "scratch").iterdir())


def test_the_first_committer_wins(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert store.create("marker", b"first")
    assert not store.create("marker", b"second")
    assert store.read("marker") == b"first"


def test_two_at_once_agree(tmp_path: Path) -> None:
    store, stage = LocalStore(tmp_path), Numbers()
    stage_fp = stage_fingerprint(stage)
    markers = []
    with store.scratch() as one, store.scratch() as two:
        sinks = [CommitSink(store, stage, stage_fp, "part", scratch) for scratch in (one, two)]
        for sink in sinks:
            sink.open(Inputs())
            stage.run(Inputs(), sink)
        markers = [sink.commit() for sink in sinks]
    assert markers[0] == markers[1] == load(store, "numbers", stage_fp, "part")


def test_deleted_data_are_made_again_with_the_same_name(tmp_path: Path) -> None:
    (marker,) = execute(unit(Numbers()), str(tmp_path)).markers
    data = tmp_path / marker.outputs[MAIN]["path"]
    content = data.read_bytes()
    data.unlink()
    again = execute(unit(Numbers()), str(tmp_path))
    assert again.ran == ("numbers",)
    assert data.read_bytes() == content


def test_a_marker_says_nothing_of_time_or_place(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        execute(unit(Numbers()), str(root))
    (one,), (two,) = (list(root.glob("stages/*/*/commit/*")) for root in (here, there))
    assert one.read_bytes() == two.read_bytes()
    assert str(tmp_path).encode() not in one.read_bytes()


def test_only_wanted_markers_are_loaded(tmp_path: Path) -> None:
    (marker,) = execute(unit(Numbers()), str(tmp_path)).markers
    store = LocalStore(tmp_path)
    _, found = load_set(store, "numbers", marker.stage_fp, [marker.part_fp, "missing"])
    assert found == [marker]


def test_a_worker_with_another_environment_refuses(tmp_path: Path) -> None:
    stage = Numbers()
    foreign = Unit("u", (stage,), ("0" * 24,), (PART,), 1)
    with pytest.raises(ShortError, match="use one image"):
        execute(foreign, str(tmp_path))


def test_canonical_json_has_one_form() -> None:
    assert canonical({"b": [1, 2], "a": "あ"}) == '{"a":"あ","b":[1,2]}'.encode()
    with pytest.raises(ValueError, match="Out of range"):
        canonical(float("nan"))
    assert json.loads(canonical({"x": None})) == {"x": None}
