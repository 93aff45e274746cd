"""What is committed of some chains: looked up stage by stage, each marker seen once and not kept.

A plan of 100,000 partitions has two million markers: several gigabytes as objects. So `walk` hands each to its caller
and remembers of it where the output lies, and that only for as long as a later stage needs it.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pipeline.commit.commit import Committed, load_set, sizes, stage_fingerprint, whole
from pipeline.commit.output import Output
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef, part_fingerprint
from stages.base import MAIN, Stage


@dataclass(frozen=True)
class Survey:
    """The parts with the outputs they have, their markers, and the parts not done."""

    parts: tuple[PartRef, ...]
    markers: Mapping[str, Mapping[str, Committed]]  # part id -> stage key -> marker
    todo: tuple[PartRef, ...]


@dataclass(frozen=True)
class Walked:
    """The parts with the outputs they have (those that are needed), and the parts not done."""

    parts: tuple[PartRef, ...]
    todo: tuple[PartRef, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A marker of one part, and where the walk came by it."""

    part: PartRef
    marker: Committed
    set_name: str  # the consolidated file that it stood in; '' when it was read by itself


def survey(store: Store, chains: Mapping[str, Sequence[Stage]], parts: Sequence[PartRef]) -> Survey:
    """All of it, markers too: for verbs that look into a run."""
    markers: dict[str, dict[str, Committed]] = {part.id: {} for part in parts}

    def keep(seen: Seen) -> None:
        markers[seen.part.id][seen.marker.stage] = seen.marker

    walked = walk(store, chains, parts, keep)
    return Survey(walked.parts, markers, walked.todo)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of records are made meanwhile and none refers back; the collector would go through them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_uncollected()
def walk(
    store: Store,
    chains: Mapping[str, Sequence[Stage]],
    parts: Sequence[PartRef],
    see: Callable[[Seen], None],
    needed: Collection[str] | None = None,
) -> Walked:
    """Look up, stage by stage, what is committed for each part. One read and one listing a stage when everything is.

    `needed`: keys of outputs that something behind these chains reads; None for all of them.
    """
    steps = {
        source: {stage.key: (stage, stage_fingerprint(stage), stage.requires) for stage in chain}
        for source, chain in chains.items()
    }
    outputs = {part.id: dict(part.outputs) for part in parts}
    known = [part.holding(outputs[part.id]) for part in parts]  # each with a mapping that is filled in place
    unfinished: set[str] = set()
    order = _order(chains)
    held = {key for part in parts for key in part.outputs}
    for place, key in enumerate(order):
        # stage_fp -> part_fp -> parts: those with equal inputs, such as no page at all, share a marker
        by_print: dict[str, dict[str, list[PartRef]]] = defaultdict(dict)
        for part in known:
            if key not in steps[part.source]:
                continue
            stage, stage_fp, requires = steps[part.source][key]
            part_fp = part_fingerprint(stage, stage_fp, (part,), requires)
            if part_fp is None:
                unfinished.add(part.id)
            else:
                by_print[stage_fp].setdefault(part_fp, []).append(part)
        for stage_fp, of_print in by_print.items():
            set_name, found = load_set(store, key, stage_fp, list(of_print))
            stored = sizes(store, key, stage_fp) if found else {}
            for marker in found:
                if not whole(marker, stored):
                    continue
                output = Output.of(marker.outputs[MAIN])
                for part in of_print.pop(marker.part_fp, ()):
                    see(Seen(part, marker, set_name))
                    outputs[part.id][key] = output
            unfinished.update(part.id for same in of_print.values() for part in same)
        held.add(key)
        if needed is not None:
            later = {
                *needed,
                *(read for of in steps.values() for k in order[place + 1 :] if k in of for read in of[k][2]),
            }
            for gone in held - later:
                for of_part in outputs.values():
                    of_part.pop(gone, None)
            held &= later
    done = tuple(part.holding(dict(part.outputs)) for part in known)  # a copy is no larger than what it holds
    return Walked(done, tuple(part for part in done if part.id in unfinished))


def _order(chains: Mapping[str, Sequence[Stage]]) -> list[str]:
    """Keys of all stages, each behind those that come before it in any chain. A stage that several sources have is
    looked up once for all of them, as its markers stand in one file."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for chain in chains.values():
        for stage in chain:
            sorter.add(stage.key)
        for before, after in itertools.pairwise(chain):
            sorter.add(after.key, before.key)
    return list(sorter.static_order())
