"""Records put aside in files, by bucket, while there are more of them than memory should hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.dedup.roster import I64

Records = npt.NDArray[Any]  # of a structured type, shape (m,)

BUFFER = 1 << 27  # bytes held before they are written: does not show in what is read


class Spill:
    """Records of one type in `buckets` buckets, each read once. Nothing is written while all of them fit the buffer."""

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any], buckets: int) -> None:
        self._folder, self._name, self._dtype = folder, name, dtype
        self._held: list[list[Records]] = [[] for _ in range(buckets)]
        self._bytes = 0
        self.written = 0  # bytes

    def add(self, records: Records, buckets: I64) -> None:
        """`buckets`, shape (m,), says where each record goes."""
        order = np.argsort(buckets, kind="stable")
        records, buckets = records[order], buckets[order]
        which, starts = np.unique(buckets, return_index=True)
        for bucket, some in zip(which.tolist(), np.split(records, starts[1:]), strict=len(which) > 0):
            self._held[bucket].append(some)
        self._bytes += records.nbytes
        if self._bytes > BUFFER:
            self._write()

    def take(self, bucket: int) -> Records:
        """The records of a bucket, in the order they came; its file is removed."""
        path, held = self._path(bucket), self._held[bucket]
        self._held[bucket] = []
        if path.exists():
            held = [np.fromfile(path, dtype=self._dtype), *held]
            path.unlink()
        return np.concatenate(held) if held else np.empty(0, dtype=self._dtype)

    def _write(self) -> None:
        for bucket, held in enumerate(self._held):
            if held:
                with self._path(bucket).open("ab") as file:
                    for records in held:
                        records.tofile(file)
        self.written += self._bytes
        self._held, self._bytes = [[] for _ in self._held], 0

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{self._name}-{bucket}.bin"
