"""Template lines: the runs of all groups merged, and the rule applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import MAIN, Inputs, Sink, Stage
from stages.parquet import Rows
from stages.template_lines.counts import RANGES
from stages.template_lines.keys import U64
from stages.template_lines.rule import HOSTS, Rule

LAST = (1 << 64) - 1
TEMPLATES = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("host", pa.uint64(), nullable=False),  # 0: of all hosts
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("hosts", pa.int64(), nullable=False),  # that have the line
        pa.field("stays", pa.uint64()),  # in documents with ids up to this (upper 64 bits); null: in none
    ]
)


@dataclass(frozen=True)
class TemplateLines(Stage):
    """Every line that the rule calls a template, sorted by (key, host). In memory: a key range of all runs."""

    rule: Rule = Rule()  # noqa: RUF009 - frozen

    name: ClassVar[str] = "template-lines"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("line-counts", "line-hosts")
    barrier: ClassVar[bool] = True
    group_rows: ClassVar[int] = 1 << 30

    def params(self) -> dict[str, Any]:
        return self.rule.of_judging()

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: TEMPLATES}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        hosts, sizes = _hosts([part.rows["line-hosts"] for part in inputs.parts])
        runs = [part.rows["line-counts"] for part in inputs.parts]
        sink.count("hosts", len(hosts))
        width = (LAST + 1) // RANGES
        for start in range(RANGES):
            table = pa.concat_tables(
                [run.between("key", start * width, (start + 1) * width - 1, run_columns) for run in runs]
            )
            if table.num_rows:
                sink.write(self._judge(table, hosts, sizes, sink), cut=True)

    def _judge(self, table: pa.Table, hosts: U64, sizes: npt.NDArray[np.int64], sink: Sink) -> pa.Table:
        rule = self.rule
        keys, of_host, documents, characters = (table[name].to_numpy() for name in run_columns[:4])
        lists = table["first"].combine_chunks()
        by_host = _Groups((keys, of_host), documents, lists)
        by_line = _Groups((keys,), documents, lists)
        total = sizes[np.searchsorted(hosts, of_host[by_host.start])]
        in_host = (
            (by_host.documents >= rule.host_documents)
            & (by_host.documents >= rule.host_share * total)
            & (characters[by_host.start] >= rule.host_characters)
        )
        on_hosts = np.diff(np.searchsorted(by_host.start_sorted, np.append(by_line.start_sorted, len(keys))))
        across = (on_hosts >= rule.hosts) & (characters[by_line.start] >= rule.hosts_characters)
        line_of_host = np.repeat(np.arange(len(on_hosts)), on_hosts)
        sink.count("templates.host", int(in_host.sum()))
        sink.count("templates.hosts", int(across.sum()))
        rows = pa.concat_tables(
            [
                _rows(
                    keys[by_host.start[in_host]],
                    of_host[by_host.start[in_host]],
                    by_host.documents[in_host],
                    on_hosts[line_of_host[in_host]],
                    by_host.stays(in_host, rule.host_keep),
                ),
                _rows(
                    keys[by_line.start[across]],
                    np.full(int(across.sum()), HOSTS),
                    by_line.documents[across],
                    on_hosts[across],
                    by_line.stays(across, rule.hosts_keep),
                ),
            ]
        )
        return rows.sort_by([("key", "ascending"), ("host", "ascending")])


run_columns = ("key", "host", "documents", "characters", "first")


class _Groups:
    """Rows of equal names, ordered by them."""

    def __init__(self, names: Sequence[U64], documents: npt.NDArray[np.int64], lists: pa.ListArray) -> None:
        self._order = np.lexsort(names[::-1])
        new = np.ones(len(self._order), dtype=np.bool_)
        new[1:] = np.any([name[self._order][1:] != name[self._order][:-1] for name in names], axis=0)
        self.start_sorted = np.flatnonzero(new)  # place of each group's first row in the order
        self.start = self._order[self.start_sorted]  # and that row
        self.documents = np.add.reduceat(documents[self._order], self.start_sorted)
        self._lists = lists

    def stays(self, chosen: npt.NDArray[np.bool_], copies: int) -> pa.Array:
        """The `copies`-th lowest id of each chosen group, null where no copy stays."""
        bounds = np.append(self.start_sorted, len(self._order))
        if not copies:
            return pa.nulls(int(chosen.sum()), pa.uint64())
        found = []
        for group in np.flatnonzero(chosen).tolist():
            rows = self._order[bounds[group] : bounds[group + 1]]
            ids = sorted(id for row in self._lists.take(pa.array(rows)).to_pylist() for id in row)
            found.append(ids[min(copies, len(ids)) - 1])
        return pa.array(found, pa.uint64())


def _rows(
    key: U64, host: U64, documents: npt.NDArray[np.int64], hosts: npt.NDArray[np.int64], stays: pa.Array
) -> pa.Table:
    return pa.table([key, host, documents, hosts, stays], schema=TEMPLATES)


def _hosts(runs: Sequence[Rows]) -> tuple[U64, npt.NDArray[np.int64]]:
    """All hosts, sorted, and how many documents each has: 16 bytes a host."""
    table = pa.concat_tables([run.read() for run in runs]).group_by("host").aggregate([("documents", "sum")])
    table = table.sort_by("host")
    return table["host"].to_numpy(), table["documents_sum"].to_numpy()
