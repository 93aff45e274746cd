"""What a unit of work needs of the machine that runs it: the most that any of its stages declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stages.base import Stage

MORE = 2  # times as much, for the one retry after a kill for want of memory
# What a fetched file is taken for whose size nobody has asked for: a WARC file of Common Crawl.
TYPICAL_FETCH = 1 << 30  # bytes


@dataclass(frozen=True, slots=True)
class Needs:
    memory: int = 1 << 30  # bytes
    cpus: float = 1.0
    fetched: int = 0  # bytes that are fetched to local disk before anything else; a unit cannot do with less
    scratch: int = 0  # bytes of local disk at once, `fetched` included: an estimate

    def more_memory(self) -> Needs:
        return replace(self, memory=self.memory * MORE)

    def more_scratch(self) -> Needs:
        return replace(self, scratch=self.scratch * MORE)


DEFAULT = Needs()


def needs_of(stages: Sequence[Stage], size: int, fetched: int = 0) -> Needs:
    """Of a chain of stages over `size` bytes of input. They run one after the other, so the greediest decides."""
    return Needs(
        memory=max(stage.memory_bytes + int(stage.memory_share * size) for stage in stages),
        cpus=max(stage.cpus for stage in stages),
        fetched=fetched,
        scratch=fetched + max(int(stage.scratch_share * size) for stage in stages),
    )
