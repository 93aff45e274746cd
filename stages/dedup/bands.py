"""Band keys of a group of partitions, compacted into one sorted run: a few large files, never partitions x ranges.

A row is a key and the number of its document within the run: partitions by id, documents by row. The number means
something only beside the run's inputs, which the schema names; what outlives them (id, sketch) stands once a document
in an output of its own, and not once a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.kernels import kernel
from stages.base import MAIN, InputError, Inputs, Part, Sink, Stage
from stages.columns import binary, matrix
from stages.dedup.enrolled import KNOWN, columns, takes_part
from stages.signatures.lsh import Keys, Shape, address_keys, band_keys, exact_keys, id_keys, shape_for_threshold, sketch

DOCUMENTS = "documents"  # the output of ids and sketches
# Metadata of a run: ids of its partitions, ascending, separated by blanks; bands and rows of a signature, likewise.
PARTS, SHAPE = b"parts", b"shape"

_MINHASH = ("signature", "exact")


class _Documents(NamedTuple):
    """n documents and their m keys."""

    ids: npt.NDArray[np.uint8]  # (n, 16)
    sketches: npt.NDArray[np.uint8]  # (n, width), zeros where there is no signature
    signed: npt.NDArray[np.bool_]  # (n,)
    keys: Keys  # (m,)
    owners: npt.NDArray[np.int32]  # (m,): row of the key's document


@dataclass(frozen=True)
class Bands(Stage):
    """One run: a row for every band of every signature, every exact hash, every id and, where they are a level of
    dedup, every address, sorted by (key, document).

    Row groups end where the upper bits of the key change, so a key range is read without its neighbours and the
    ranges of any number of runs can be merged one at a time. `documents` holds ids and sketches in the order of the
    numbers, so a later crawl can be compared with this one without its texts; the sketch is null for documents
    without a signature. In memory: about 700 bytes a document of the group.
    """

    permutations: int = 112
    bands: int = Shape().bands
    rows: int = Shape().rows
    threshold: float = 0.0  # over 0: bands and rows are datasketch's own choice for this Jaccard similarity
    sketch_bits: int = 2
    ranges: int = 64
    addresses: bool = False  # documents of one address are suspects, too

    name: ClassVar[str] = "bands"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("extract", "minhash", KNOWN)
    barrier: ClassVar[bool] = True
    memory_share: ClassVar[float] = (
        0.1  # the keys of a run are sorted in memory; most of the input is text, which is not read
    )
    group_rows: ClassVar[int] = 1 << 20  # or where `run` cuts them

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise ValueError(f"bands.threshold must be at least 0 and below 1, not {self.threshold}")
        if not 1 <= self.bands * self.rows <= self.permutations:
            raise ValueError(
                f"{self.bands} bands x {self.rows} rows do not fit {self.permutations} permutations: raise "
                "minhash.permutations or lower bands.bands or bands.rows"
            )
        if self.ranges < 1 or self.ranges & (self.ranges - 1):
            raise ValueError(f"bands.ranges must be a power of two, not {self.ranges}")
        if not 1 <= self.sketch_bits <= 32:
            raise ValueError(f"bands.sketch_bits must be 1 to 32, not {self.sketch_bits}")

    @property
    def requires(self) -> tuple[str, ...]:
        return (*self.needs, *(("address",) if self.addresses else ()))

    @property
    def shape(self) -> Shape:
        if self.threshold:
            return shape_for_threshold(self.threshold, self.permutations)
        return Shape(self.bands, self.rows)

    def params(self) -> dict[str, Any]:
        shape = self.shape
        return {**super().params(), "threshold": 0.0, "bands": shape.bands, "rows": shape.rows}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        keys = [pa.field("key", pa.uint64(), nullable=False), pa.field("document", pa.int32(), nullable=False)]
        documents = [
            pa.field("id", pa.binary(16), nullable=False),
            pa.field("sketch", pa.binary(-(-self.permutations * self.sketch_bits // 8))),
        ]
        parts = " ".join(sorted(part.id for part in inputs.parts))
        shape = f"{self.shape.bands} {self.shape.rows}"
        return {MAIN: pa.schema(keys, metadata={PARTS: parts, SHAPE: shape}), DOCUMENTS: pa.schema(documents)}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        schemas = self.outputs(inputs)
        ids, sketches, signed, keys, owners = self._documents(sorted(inputs.parts, key=lambda part: part.id))
        sink.write(pa.table([binary(ids), binary(sketches, signed)], schema=schemas[DOCUMENTS]), to=DOCUMENTS)
        order = np.argsort(keys)
        keys, owners = keys[order], owners[order]
        del order
        _sort_ties(keys, owners)
        for start, end in _ranges(keys, self.ranges):
            sink.write(pa.table([keys[start:end], owners[start:end]], schema=schemas[MAIN]), cut=True)
        sink.count("documents", len(ids))
        sink.count("keys", len(keys))

    def _documents(self, parts: list[Part]) -> _Documents:
        nothing = pa.schema([pa.field("signature", pa.binary(4 * self.permutations)), pa.field("exact", pa.binary(16))])
        found = [self._measure(matrix(pa.array([], pa.binary(16)), "u1"), nothing.empty_table(), None, 0)]
        total = 0
        read = {"extract": ("id",), **({"address": ("address",)} if self.addresses else {})}
        for part in parts:
            for batch in part.groups({**read, **columns(part, _MINHASH)}):
                enrolled = takes_part(batch)
                ids = matrix(batch["extract"]["id"].filter(enrolled), "u1")
                address = batch["address"]["address"].filter(enrolled) if self.addresses else None
                found.append(self._measure(ids, batch["minhash"].filter(enrolled), address, total))
                total += len(ids)
        return _Documents(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))

    def _measure(
        self, ids: npt.NDArray[np.uint8], minhash: pa.Table, address: pa.ChunkedArray | None, first: int
    ) -> _Documents:
        """Documents of one row group; the first of them is number `first`."""
        width = minhash["signature"].type.byte_width // 4
        if width != self.permutations:
            raise InputError(
                f"signatures have {width} permutations and bands expects {self.permutations}: set bands.permutations "
                "to minhash.permutations"
            )
        signed = pc.is_valid(minhash["signature"]).to_numpy()
        signatures = matrix(minhash["signature"].drop_null(), "<u4")
        sketched = sketch(signatures, self.sketch_bits)
        sketches = np.zeros((len(ids), sketched.shape[1]), dtype=np.uint8)
        sketches[signed] = sketched
        numbers = np.arange(first, first + len(ids), dtype=np.int32)
        shape = self.shape
        banded = band_keys(signatures, shape)
        keys = [banded.reshape(-1), exact_keys(matrix(minhash["exact"], "<u4")), id_keys(ids.view("<u4"))]
        owners = [np.repeat(numbers[signed], shape.bands), numbers, numbers]
        if address is not None:
            keys.append(address_keys(matrix(address.drop_null(), "<u4")))
            owners.append(numbers[pc.is_valid(address).to_numpy()])
        return _Documents(ids, sketches, signed, np.concatenate(keys), np.concatenate(owners))


@kernel
def _sort_ties(keys: Keys, owners: npt.NDArray[np.int32]) -> None:
    # The fast sorts are not stable, and in which order they leave equal keys depends on the processor.
    first = 0
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[first]:
            if i - first > 1:
                owners[first:i].sort()
            first = i


def _ranges(keys: Keys, count: int) -> list[tuple[int, int]]:
    """Where the rows of each of `count` equal key ranges start and end in sorted keys; empty ranges are left out."""
    width = (1 << 64) // count
    firsts = np.array([i * width for i in range(count)], dtype=np.uint64)
    bounds = [*np.searchsorted(keys, firsts).tolist(), len(keys)]
    return [(start, end) for start, end in pairwise(bounds) if end > start]
