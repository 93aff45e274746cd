"""What a stage is: a pure function from committed rows to new rows, which says of itself all that affects its output.

A stage never opens a path of its own, never looks at a clock and never decides where its output goes: the runner hands
it `Inputs` and a `Sink`, commits what it wrote and checks the sums. So the same stage runs in a test, a notebook, a
plain process and a Ray task, with the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from stages import borne
from stages.errors import InputError
from stages.fetched import Spans
from stages.parquet import ROWS, Rows
from stages.sink import MAIN, Sink
from stages.slices import Slice


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One input file. `sha256` (hex) is its identity; `path` is only where this machine finds it."""

    path: str
    sha256: str  # of its bytes; of a file that was fetched, the digest of what its server says it is
    bytes: int
    label: str = ""  # what to call it where `path` is a fetched copy
    spans: Spans | None = None  # where its records stand in the archive, when it was put together from ranges of it
    head: bool = False  # only the beginning was fetched, for a dry run: that it ends there is no damage
    slice: Slice | None = None  # the range of it that is meant, of a dump in streams
    dated: str = ""  # YYYY-MM-DD, where the name of a dump tells when it was made
    by_name: bool = False  # its reader goes by its name too

    @property
    def identity(self) -> str:
        """Hex digest of the bytes that are meant and of what else a reader goes by."""
        told = (self.slice and dataclasses.astuple(self.slice), self.dated, self.name if self.by_name else "")
        return hashlib.sha256(repr((self.sha256, *told)).encode()).hexdigest() if any(told) else self.sha256

    @property
    def name(self) -> str:
        return self.label or Path(self.path).name


@dataclass(frozen=True, slots=True)
class Part:
    """The committed outputs of one partition: stage name -> rows, all with the same rows in the same order."""

    id: str  # content id of the partition: hex, stable across runs, names and orders
    source: str  # name of the recipe's source
    rank: int  # declared rank of the source, 0 first: what wins when two documents say the same
    rows: Mapping[str, Rows]

    def groups(self, columns: Mapping[str, Sequence[str]]) -> Iterator[dict[str, pa.Table]]:
        """The same rows of several stages, only the named columns of each: batches as the first one's row groups are."""
        sizes = {stage: self.rows[stage].rows for stage in columns}
        if len(set(sizes.values())) > 1:
            raise AssertionError(f"the stages of partition {self.id} do not have the same rows: {sizes}")
        lead, *others = columns
        readers = {stage: _Reader(self.rows[stage].groups(columns[stage])) for stage in others}
        for table in self.rows[lead].groups(columns[lead]):
            yield {lead: table, **{stage: reader.take(table.num_rows) for stage, reader in readers.items()}}


class _Reader:
    """Rows of one stage in the portions asked for, however its own row groups are cut."""

    def __init__(self, groups: Iterator[pa.Table]) -> None:
        self._groups = groups
        self._rest: pa.Table | None = None

    def take(self, rows: int) -> pa.Table:
        tables = [] if self._rest is None else [self._rest]
        while sum(table.num_rows for table in tables) < rows:
            tables.append(next(self._groups))
        table = pa.concat_tables(tables)
        self._rest = table.slice(rows)
        return table.slice(0, rows)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the runner hands to a stage: a source file (readers), one part (sidecars) or many parts (barriers)."""

    file: SourceFile | None = None
    parts: tuple[Part, ...] = ()

    @property
    def part(self) -> Part:
        (part,) = self.parts
        return part


class Stage(ABC):
    """A step on the way of a document. Subclasses are frozen dataclasses; their fields are the recipe's parameters.

    A field with `metadata=NEUTRAL` does not affect the output and stays out of the fingerprint. One with `metadata=PATH`
    names files: a recipe's relative path is relative to the recipe, and `resources` tells what the files hold.
    """

    name: ClassVar[str]
    version: ClassVar[int]  # raised whenever the same input may give another output
    group: ClassVar[str] = ""  # neighbours of one group may run together over one pass of the input (`run_together`)
    needs: ClassVar[tuple[str, ...]] = ()
    libraries: ClassVar[tuple[str, ...]] = ()  # distributions whose version may change the output
    barrier: ClassVar[bool] = False  # reads many parts at once and knows them by their identity
    by_name: ClassVar[bool] = False  # a reader: the name of its file tells it something
    needs_all: ClassVar[bool] = (
        False  # a reader: of its kind of file the beginning alone is of no use, not even to a dry run
    )
    group_rows: ClassVar[int] = ROWS  # rows in a row group of this stage's outputs
    # What the scheduler sets aside for it; none of these affects the output.
    memory_bytes: ClassVar[int] = 1 << 30  # of a worker that runs it, libraries and models included
    memory_share: ClassVar[float] = 0.0  # and for each byte of input, where input is held
    cpus: ClassVar[float] = 1.0
    scratch_share: ClassVar[float] = (
        1.0  # bytes of local disk for each byte of input: outputs on their way, what is spilled
    )
    further: ClassVar[pa.Schema | None] = (
        None  # schema of outputs beyond `outputs()`, where their number depends on rows
    )

    @property
    def key(self) -> str:
        """The name this stage's output goes by; differs from `name` where one class makes several stages."""
        return self.name

    @property
    def requires(self) -> tuple[str, ...]:
        """Keys of the stages whose output (for the same partition) this one reads."""
        return self.needs

    def params(self) -> dict[str, Any]:
        """Parameters that affect the output, JSON values only."""
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
            if not f.metadata.get("neutral")
        }

    def resources(self) -> dict[str, str]:
        """Files that affect the output (models, dictionaries, word lists): name -> sha256."""
        return {}

    @abstractmethod
    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        """Name -> schema of every file this stage writes for these inputs, even when it gets no row."""

    @abstractmethod
    def run(self, inputs: Inputs, sink: Sink) -> None:
        """Write what follows from the inputs and the parameters, and from nothing else."""


NEUTRAL: Mapping[str, bool] = {"neutral": True}
PATH: Mapping[str, bool] = {"neutral": True, "path": True}  # a file, or several: what they hold goes in `resources`


class Sidecar(Stage):
    """A stage that adds columns: same rows, same order as `extract`, one row group at a time (bounded memory)."""

    reads: ClassVar[Mapping[str, Sequence[str]]]  # stage key -> columns
    schema: ClassVar[pa.Schema]

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        return self.reads

    @property
    def requires(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def layout(self) -> pa.Schema:
        return self.schema

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: self.layout()}

    @abstractmethod
    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        """One row group of each stage in `columns` -> the same number of rows of `schema`."""

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any] | None:
        """The row of a document (a batch of one) whose text this stage cannot read, by which `judge` rejects it.

        None where there is none: then what `rows` raises fails the task.
        """
        return None

    def run(self, inputs: Inputs, sink: Sink) -> None:
        first = 0
        for batch in inputs.part.groups(self.columns):
            table = self._borne(batch, first, inputs.part, sink)
            expected = next(iter(batch.values())).num_rows
            if table.num_rows != expected:
                raise AssertionError(f"{self.name}: {expected} rows in, {table.num_rows} rows out")
            sink.write(table)
            first += expected

    def _borne(self, batch: Mapping[str, pa.Table], first: int, part: Part, sink: Sink) -> pa.Table:
        """`rows`; where it raises, of each document by itself, and those that still raise are quarantined. `first`: row of the first."""
        asked = borne.attempt(partial(self._tallied, batch, sink.scratch))
        if not isinstance(asked, str):
            table, tally = asked
            tally.add_to(sink)
            return table
        size = next(iter(batch.values())).num_rows
        self.rows(
            {key: rows.slice(0, 0) for key, rows in batch.items()}, borne.Tally(sink.scratch)
        )  # raises in any case?
        tables = [self.layout().empty_table()]
        for row in range(size):
            document = {key: rows.take([row]) for key, rows in batch.items()}  # a slice would take all rows along
            asked = borne.attempt(partial(self._tallied, document, sink.scratch))
            if isinstance(asked, str):
                instead = self.unmeasured(document)
                if instead is None:
                    raise RuntimeError(f"{self.key}: row {first + row} of partition {part.id}: {asked}")
                borne.quarantine(sink, part.rows["extract"], first + row, self.key, asked)
                one = pa.Table.from_pylist([instead], schema=self.layout())
            else:
                one, tally = asked
                tally.add_to(sink)
            tables.append(one.select(self.layout().names).cast(self.layout()))
        return pa.concat_tables(tables)

    def _tallied(self, batch: Mapping[str, pa.Table], scratch: Path) -> tuple[pa.Table, borne.Tally]:
        tally = borne.Tally(scratch)
        return self.rows(batch, tally), tally


def document_id(*natural_key: str | int) -> bytes:
    """16-byte document id: BLAKE2b-128 of the natural key (WARC record id; wiki page id and revision; ...)."""
    key = "\x1f".join(str(part) for part in natural_key)
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


__all__ = [
    "MAIN",
    "NEUTRAL",
    "PATH",
    "ROWS",
    "InputError",
    "Inputs",
    "Part",
    "Rows",
    "Sidecar",
    "Sink",
    "SourceFile",
    "Stage",
    "document_id",
]
