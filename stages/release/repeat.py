"""How often trainers should see a document, by its cluster size: what many copied may be worth more, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Sidecar, Sink
from stages.release.left_out import LEFT_OUT
from stages.release.splits import TRAIN

COLUMN = "repeat"  # of the release rows
MOST = 100  # times: more of one text is a mistake sooner than a wish
CLUSTER_CAPPED = "cap.cluster"
REASONS = {CLUSTER_CAPPED: "too many copies of it were found: [repeat] of the recipe says 0"}

Steps = tuple[
    tuple[int, int], ...
]  # (cluster size, times), ascending: from this size on so many times; below the first 1


def times(sizes: npt.NDArray[np.int64], steps: Steps) -> npt.NDArray[np.int32]:
    """How often documents of these cluster sizes are to be seen; shapes (n,)."""
    edges = np.array([size for size, _ in steps], dtype=np.int64)
    said = np.array([1, *(n for _, n in steps)], dtype=np.int32)
    found: npt.NDArray[np.int32] = said[np.searchsorted(edges, sizes, side="right")]
    return found


def column(sizes: pa.ChunkedArray, splits: Sequence[str] | pa.ChunkedArray, steps: Steps) -> pa.Array:
    """The column `repeat`: what is held out is seen once."""
    found = times(sizes.to_numpy().astype(np.int64), steps)
    train = np.fromiter((split == TRAIN for split in _listed(splits)), np.bool_, len(found))
    return pa.array(np.where(train, found, np.int32(1)), pa.int32())


def _listed(splits: Sequence[str] | pa.ChunkedArray) -> Sequence[str]:
    found: Sequence[str] = splits.to_pylist() if isinstance(splits, pa.ChunkedArray) else splits
    return found


@dataclass(frozen=True)
class ClusterCap(Sidecar):
    """Leaves out, of every split, the documents that `[repeat]` says are to be seen 0 times."""

    steps: Steps = ()

    name: ClassVar[str] = "cluster-cap"
    version: ClassVar[int] = 1
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"dedup": ("keep", "cluster_size")}
    schema: ClassVar[pa.Schema] = LEFT_OUT

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        found = times(batch["dedup"]["cluster_size"].to_numpy().astype(np.int64), self.steps)
        stays = pc.or_(pc.invert(batch["dedup"]["keep"]), pa.array(found > 0))
        return pa.table([stays, pc.if_else(stays, "", CLUSTER_CAPPED)], schema=LEFT_OUT)
