"""Release rows cut into files: row groups whose bounds follow from the rows themselves, files of about one size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import NEUTRAL, Inputs, Sink, Stage
from stages.measure.vocabulary import Named
from stages.release.repeat import COLUMN
from stages.release.splits import TRAIN
from stages.release.write import release_schema

# Uncompressed bytes of a row group: small enough for a loader to shuffle by row group, large enough to compress.
GROUP_BYTES = 8 << 20  # at most, or one longer document
GROUP_LEAST = 3 << 20  # from here on a document may end its group ...
GROUP_SPREAD = (
    3 << 19
)  # ... with odds of its length in this: 1.5 MB more on average, and 3 % of groups end by GROUP_BYTES
ROW_BYTES = 512  # of the columns that are no long text, at most of all but odd rows
_LONG = ("text", "url", "title", "record", "file")
WEIGHTED = "weighted."  # prefix of counters: each row as often as its column `repeat` says


@dataclass(frozen=True)
class Shards(Stage):
    """Cuts the release rows of one source and split into files of about `megabytes` MB of text, in the order of the parts.

    Where a shard ends depends on the rows before it and on nothing else. Where a row group ends depends on the ids of its
    last rows: a document that goes or comes moves the bounds near it and no others.
    """

    megabytes: int = 256  # uncompressed text: about 100 MB on disk
    split: str = TRAIN
    tokenizers: tuple[Named, ...] = field(default=(Named(),), metadata=NEUTRAL)
    values: tuple[str, ...] = field(default=(), metadata=NEUTRAL)  # what the rows hold, which `write` says
    repeat: bool = field(default=False, metadata=NEUTRAL)  # the same of the column `repeat`

    name: ClassVar[str] = "shards"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ("write",)
    barrier: ClassVar[bool] = True
    group_rows: ClassVar[int] = 1 << 30  # row groups end where `row_groups` cuts them

    def __post_init__(self) -> None:
        if self.megabytes < 1:
            raise ValueError(f"shards.megabytes must be at least 1, not {self.megabytes}")

    def params(self) -> dict[str, Any]:
        return {
            "megabytes": self.megabytes,
            "split": self.split,
            "groups": [GROUP_BYTES, GROUP_LEAST, GROUP_SPREAD],
            "columns": self.further.names,
        }

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {}

    @property
    def further(self) -> pa.Schema:  # type: ignore[override]
        return release_schema(self.tokenizers, self.values, self.repeat)

    def run(self, inputs: Inputs, sink: Sink) -> None:
        shard, filled = 0, 0
        for table in row_groups(_tables(inputs, self.split)):
            size = total(pc.binary_length(table["text"]))
            if filled and filled + size > self.megabytes << 20:
                shard, filled = shard + 1, 0
            name = f"{shard:05d}"
            sink.write(table, to=name, cut=True)
            filled += size
            for counter, n in tally(table, [tokenizer.key for tokenizer in self.tokenizers]).items():
                sink.count(f"{name}.{counter}", n)


def tally(table: pa.Table, keys: list[str]) -> dict[str, int]:
    """What `shards.jsonl` says of a row group: counters that add up over a file."""
    weighted = weights(table, keys) if COLUMN in table.column_names else {}
    return {
        "characters": total(table["characters"]),
        "text_bytes": total(pc.binary_length(table["text"])),
        "row_groups": 1,
        **{f"tokens.{key}": total(table[f"n_tok_{key}"]) for key in keys},
        **{f"{WEIGHTED}{name}": n for name, n in weighted.items()},
    }


def weights(table: pa.Table, keys: list[str]) -> dict[str, int]:
    """Documents, characters and tokens of rows, each as often as its column `repeat` says."""
    repeat = table[COLUMN].cast(pa.int64())
    columns = {"characters": "characters", **{f"tokens.{key}": f"n_tok_{key}" for key in keys}}
    summed = {name: total(pc.multiply(repeat, table[of].cast(pa.int64()))) for name, of in columns.items()}
    return {"documents": total(repeat), **summed}


def _tables(inputs: Inputs, split: str) -> Iterator[pa.Table]:
    for part in inputs.parts:
        yield from part.rows["write"].where("split", split)


def row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The rows regrouped: each group has at most GROUP_BYTES uncompressed (or one longer document)."""
    pending: list[pa.Table] = []
    filled = 0
    for table in tables:
        start = 0
        sizes, may_end = row_sizes(table), _may_end(table)
        for row, (size, last) in enumerate(zip(sizes.tolist(), may_end.tolist(), strict=True)):
            if filled and filled + size > GROUP_BYTES:
                yield pa.concat_tables([*pending, table.slice(start, row - start)])
                pending, start, filled = [], row, 0
            filled += size
            if last and filled >= GROUP_LEAST:
                yield pa.concat_tables([*pending, table.slice(start, row + 1 - start)])
                pending, start, filled = [], row + 1, 0
        pending.append(table.slice(start))
    if any(table.num_rows for table in pending):
        yield pa.concat_tables(pending)


def row_sizes(table: pa.Table) -> npt.NDArray[np.int64]:
    """Uncompressed bytes of each row, a little more rather than less; shape (rows,)."""
    sizes = np.full(table.num_rows, ROW_BYTES, dtype=np.int64)
    for name in _LONG:
        sizes += pc.binary_length(table[name]).to_numpy().astype(np.int64)
    return sizes


def _may_end(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Rows whose id says that a group may end with them: the longer the row, the better the odds; shape (rows,)."""
    heads = pc.utf8_slice_codeunits(table["id"], 0, 8).to_pylist()
    points = np.array([int(head, 16) for head in heads], dtype=np.float64) / 2**32
    ends: npt.NDArray[np.bool_] = points < row_sizes(table) / GROUP_SPREAD
    return ends


def total(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column.cast(pa.int64())).as_py() or 0)
