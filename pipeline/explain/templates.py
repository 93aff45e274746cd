"""Templates of wiki dumps that the cleaner dropped because its table does not know them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipeline.engine.plan import Survey
from pipeline.store.store import Store
from stages.parquet import Rows


def unknown(found: Survey, store: Store) -> list[dict[str, Any]] | None:
    """Rows of `stages.readers.mediawiki.TEMPLATES` summed over all partitions, most used first; None where no dump was read."""
    tables = []
    for part in found.parts:
        marker = found.markers[part.id].get("extract")
        output = marker.outputs.get("templates") if marker else None
        if output:
            tables.append(Rows(store.path(output["path"]), output["sha256"], output["rows"]).read())
    if not tables:
        return None
    summed = (
        pa.concat_tables(tables)
        .group_by("template")
        .aggregate([("uses", "sum"), ("pages", "sum"), ("example", "min")])
        .rename_columns({"uses_sum": "uses", "pages_sum": "pages", "example_min": "example"})
    )
    return list(summed.sort_by([("uses", "descending"), ("template", "ascending")]).to_pylist())
