"""A sink in memory, for tests that run a stage without a runner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from stages.base import MAIN, Inputs, Stage


class MemorySink:
    """Keeps what a stage writes. Like the runner's sink it refuses unknown outputs and rows that break the schema."""

    def __init__(self, schemas: Mapping[str, pa.Schema], scratch: Path = Path("/nonexistent")) -> None:
        self.scratch = scratch
        self.counters: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.quarantined: list[dict[str, str]] = []
        self._schemas = schemas
        self._tables: dict[str, list[pa.Table]] = {name: [] for name in schemas}

    def write(self, table: pa.Table, to: str = MAIN, *, cut: bool = False) -> None:
        if to not in self._schemas:
            raise AssertionError(f"output {to!r} is not declared: {sorted(self._schemas)}")
        schema = self._schemas[to]
        if sorted(table.schema.names) != sorted(schema.names):
            raise AssertionError(f"output {to!r}: columns {table.schema.names} instead of {schema.names}")
        table = table.select(schema.names).cast(schema)
        for column in schema:
            if not column.nullable and table[column.name].null_count:
                raise AssertionError(f"output {to!r}: null in {column.name!r}")
        table.validate(full=True)
        self._tables[to].append(table)

    def count(self, counter: str, n: int = 1) -> None:
        self.counters[counter] += n

    def reason(self, code: str, n: int = 1) -> None:
        self.reasons[code] += n

    def quarantine(self, *, id: str, url: str, where: str, error: str) -> None:
        if len(error.splitlines()) != 1:
            raise AssertionError(f"not one line: {error!r}")
        self.quarantined.append({"id": id, "url": url, "where": where, "error": error})

    def table(self, output: str = MAIN) -> pa.Table:
        return pa.concat_tables([self._schemas[output].empty_table(), *self._tables[output]])

    def rows(self, output: str = MAIN) -> list[dict[str, object]]:
        return list(self.table(output).to_pylist())


def run(stage: Stage, inputs: Inputs, scratch: Path = Path("/nonexistent")) -> MemorySink:
    """Run a stage into memory."""
    sink = MemorySink(stage.outputs(inputs), scratch)
    stage.run(inputs, sink)
    return sink
