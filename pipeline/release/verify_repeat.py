"""Whether the column `repeat` says what the manifest's `repeat` says of each row, and its weighted sums hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.manifest.counts import ShardEntry, Weighted
from pipeline.manifest.manifest import Manifest
from stages.release.repeat import COLUMN, Steps, column, times
from stages.release.shards import WEIGHTED, weights

READS = (COLUMN, "cluster_size")


class Recount:
    """Over the row groups of one shard."""

    def __init__(self, manifest: Manifest, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._steps: Steps = tuple(sorted((int(size), n) for size, n in (manifest.repeat or {}).items()))
        self._summed = [Weighted(documents=0, characters=0, tokens=dict.fromkeys(self._keys, 0))]
        self.on = COLUMN in manifest.columns

    def wrong(self, group: pa.Table) -> str:
        """What is wrong with the rows of a group, or ''."""
        found = {f"{WEIGHTED}{name}": n for name, n in weights(group, self._keys).items()}
        self._summed += [each for each in [Weighted.told(found, self._keys)] if each is not None]
        if (times(group["cluster_size"].to_numpy().astype(np.int64), self._steps) == 0).any():
            return "holds a document with a `cluster_size` that the manifest's `repeat` leaves out"
        if not group[COLUMN].equals(pa.chunked_array([column(group["cluster_size"], group["split"], self._steps)])):
            return f"`{COLUMN}` is not what the manifest's `repeat` says of `cluster_size`"
        return ""

    def differs(self, entry: ShardEntry) -> str:
        """What is wrong with the sums of the shard, or ''."""
        summed = Weighted.of(self._summed, self._keys) if self.on else None
        return (
            "" if entry.weighted == summed else f"weighted {_told(summed)}, shards.jsonl says {_told(entry.weighted)}"
        )


def _told(sums: Weighted | None) -> str:
    if sums is None:
        return "nothing"
    return f"{sums.documents} documents, {sums.characters} characters, tokens {sums.tokens}"
