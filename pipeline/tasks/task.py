"""One task: the stages of one unit of work, each committed on its own. What every runner executes, in any process."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from pipeline.acquire.bring import Fetch, brought
from pipeline.acquire.turns import Turns
from pipeline.commit.commit import FINGERPRINT_DIGITS, Committed, canonical, intact, load, stage_fingerprint
from pipeline.commit.output import Output
from pipeline.commit.sink import CommitSink
from pipeline.errors import InputError, ShortError
from pipeline.store.opening import open_store
from pipeline.store.store import Store
from pipeline.tasks.claims import Claim, claimed
from pipeline.tasks.machine import peak_memory
from pipeline.tasks.needs import DEFAULT, Needs
from pipeline.tasks.scratch import budget, full_disks_named, room
from stages.base import MAIN, Inputs, Part, Rows, SourceFile, Stage


@dataclass(frozen=True, slots=True)
class PartRef:
    """A partition as the plan knows it: where it comes from and what is committed for it so far."""

    id: str
    source: str
    rank: int
    file: SourceFile | None
    outputs: Mapping[str, Mapping[str, Any]]  # stage key -> {path, sha256, rows} of its output for this partition
    fetch: Fetch | None = None  # how `file` is brought here; None: it lies where every worker sees it

    def add(self, key: str, output: Mapping[str, Any]) -> PartRef:
        return self.holding({**self.outputs, key: Output.of(output)})

    def only(self, keys: Collection[str]) -> PartRef:
        return self.holding({key: output for key, output in self.outputs.items() if key in keys})

    def holding(self, outputs: Mapping[str, Mapping[str, Any]]) -> PartRef:
        """The same partition with these outputs in place of its own."""
        return PartRef(
            self.id, self.source, self.rank, self.file, outputs, self.fetch
        )  # `replace` takes thrice as long

    def open(self, store: Store, keys: Sequence[str]) -> Part:
        # An index that a recipe names lies at a path of its own, and not in the work of the run.
        rows = {
            k: Rows(o["path"] if os.path.isabs(o["path"]) else store.path(o["path"]), o["sha256"], o["rows"])
            for k in keys
            if (o := self.outputs.get(k))
        }
        return Part(self.id, self.source, self.rank, rows)


@dataclass(frozen=True, slots=True)
class Unit:
    """Work for one task: a chain of stages over one part, or one barrier stage over many."""

    label: str
    stages: tuple[Stage, ...]
    fingerprints: tuple[str, ...]  # of the stages, as the driver computed them
    parts: tuple[PartRef, ...]
    weight: int  # bytes of input: larger units go first
    needs: Needs = DEFAULT
    claim: Claim | None = None  # for which run, where several may be at work


@dataclass(frozen=True, slots=True)
class Result:
    markers: tuple[Committed, ...]  # one a stage, in order
    ran: tuple[str, ...]  # keys of the stages that were not committed before
    seconds: float
    peak: int = 0  # most bytes of memory that the worker has held so far


def part_fingerprint(
    stage: Stage, stage_fp: str, parts: Sequence[PartRef], requires: Sequence[str] | None = None
) -> str | None:
    """Digest of `[stage_fp, [input of each part]]` by content; None while an input is not known yet.

    `requires`: those of the stage, from a caller that asks for many parts (some stages work them out anew each time).
    It equals `commit.digest` of that list, which is not made: it would take a barrier over 100,000 parts 200 MB.
    """
    requires = stage.requires if requires is None else requires
    hashed = hashlib.sha256(f"[{encode_basestring(stage_fp)},[".encode())
    for number, part in enumerate(parts):
        if number:
            hashed.update(b",")
        if not requires:
            assert part.file is not None
            hashed.update(canonical(["file", part.file.identity]))
            continue
        outputs = part.outputs
        present = [key for key in requires if key in outputs]
        if not stage.barrier and len(present) < len(requires):
            return None
        content = ",".join(
            [f"[{encode_basestring(key)},{encode_basestring(outputs[key]['sha256'])}]" for key in present]
        )
        if stage.barrier:  # it orders and names its parts by identity, so identity is part of its input
            hashed.update(canonical([part.id, part.source, part.rank])[:-1] + f",[{content}]]".encode())
        else:
            hashed.update(f"[{content}]".encode())
    hashed.update(b"]]")
    return hashed.hexdigest()[:FINGERPRINT_DIGITS]


@claimed
def execute(unit: Unit, root: str, turns: Turns | None = None, scratch_limit: int = 0) -> Result:
    """Run what is not committed yet, once there is room for it. Safe to repeat and to run twice at once.

    `turns`: who says when a request may begin, where that is not settled on this machine. `scratch_limit`: bytes that
    all tasks of a node may take of its disk; 0: what the node's environment says. DiskFullError names a full disk.
    """
    _check_environment(unit)
    store = open_store(root)
    shared = [store.place] if isinstance(store.place, Path) else []
    with (
        full_disks_named(*shared),
        store.scratch() as own,
        full_disks_named(own.parent, *shared),
        room(own, unit.needs, scratch_limit or budget()),
        store.near(),
    ):
        return _execute(unit, store, turns)


def _execute(unit: Unit, store: Store, turns: Turns | None) -> Result:
    began = time.monotonic()
    parts = unit.parts
    markers: list[Committed] = []
    ran: list[str] = []
    steps = list(zip(unit.stages, unit.fingerprints, strict=True))
    for _, members in itertools.groupby(steps, key=lambda step: step[0].group or step[0].key):
        todo = []
        for stage, stage_fp in members:
            part_fp = part_fingerprint(stage, stage_fp, parts)
            assert part_fp is not None, f"{stage.key} runs before its inputs {stage.requires}"
            done = load(store, stage.key, stage_fp, part_fp)
            if done is not None and not intact(store, done):
                done = None  # its files were deleted; the same bytes go under the same names again
            todo.append((stage, stage_fp, part_fp, done))
        stale = [step[:3] for step in todo if step[3] is None]
        fresh = iter(_run(store, stale, parts, turns) if stale else ())
        for stage, _, _, done in todo:
            marker = done or next(fresh)
            markers.append(marker)
            if done is None:
                ran.append(stage.key)
            if MAIN in marker.outputs and len(parts) == 1:
                parts = (parts[0].add(stage.key, marker.outputs[MAIN]),)
    return Result(tuple(markers), tuple(ran), time.monotonic() - began, peak_memory())


def _run(
    store: Store, steps: Sequence[tuple[Stage, str, str]], parts: Sequence[PartRef], turns: Turns | None
) -> list[Committed]:
    """Run stages over the same inputs, in one pass where their class can, and commit each."""
    first = steps[0][0]
    with contextlib.ExitStack() as stack:
        file = None if first.requires else stack.enter_context(_input(store, first, parts, turns))
        sinks = []
        for stage, stage_fp, part_fp in steps:
            scratch = stack.enter_context(store.scratch())
            sinks.append(CommitSink(store, stage, stage_fp, part_fp, Path(scratch)))
        keys = sorted({key for stage, _, _ in steps for key in stage.requires})
        inputs = Inputs(
            file=file,
            parts=tuple(part.open(store, keys) for part in parts),
        )
        for sink in sinks:
            sink.open(inputs)
        together = getattr(type(first), "run_together", None)
        if together is not None and len(steps) > 1:
            together([stage for stage, _, _ in steps], inputs, sinks)
        else:
            for (stage, _, _), sink in zip(steps, sinks, strict=True):
                stage.run(inputs, sink)
        if file is not None:
            _check_file(file)
        return [sink.commit() for sink in sinks]


@contextlib.contextmanager
def _input(store: Store, reader: Stage, parts: Sequence[PartRef], turns: Turns | None) -> Iterator[SourceFile]:
    """The source file of a reader on this machine: where it lies, or fetched into scratch for as long as it is read."""
    (part,) = parts
    assert part.file is not None
    if part.fetch is None:
        _check_file(part.file)
        yield part.file
    else:
        head = bool(getattr(reader, "sample", 0)) and not reader.needs_all
        with store.scratch() as scratch:
            yield brought(part.file, part.fetch, scratch, turns, head=head)


def _check_file(file: SourceFile) -> None:
    """An input that is not the one whose sha256 stands in the plan must not be committed under it."""
    try:
        size = os.stat(file.path).st_size
    except OSError as error:
        raise InputError(
            f"{file.path}: {error.strerror}; every worker must see the inputs under the same path"
        ) from None
    if size != file.bytes:
        raise InputError(f"{file.path}: it has changed since this run began; run again when it is complete")


def _check_environment(unit: Unit) -> None:
    """A worker with other library versions would write other bytes under the driver's name."""
    for stage, expected in zip(unit.stages, unit.fingerprints, strict=True):
        if stage_fingerprint(stage) != expected:
            raise ShortError(
                f"{stage.key}: this worker would write other bytes than the driver planned (its libraries, models or "
                "code differ); use one image or one environment on all nodes"
            )
