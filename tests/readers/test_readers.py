"""The shards as trainers' tools read them: the same documents and totals in each."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from stages.measure.vocabulary import Named
from stages.release.write import release_schema
from tests.corpora import manifest as told
from tests.corpora import rows


@pytest.fixture(scope="module")
def expected(golden_run: Path) -> dict[str, int]:
    found = {row["id"]: row["n_tok_qwen"] for row in rows(golden_run)}
    assert sum(found.values()) == told(golden_run)["shards"]["tokens"]["qwen"]
    assert len(found) == told(golden_run)["shards"]["documents"]
    return found


def test_pyarrow(golden_run: Path, expected: dict[str, int]) -> None:
    table = pa.dataset.dataset(golden_run / "release" / "data", format="parquet").to_table()
    assert dict(zip(table["id"].to_pylist(), table["n_tok_qwen"].to_pylist(), strict=True)) == expected
    for file in (golden_run / "release" / "data").iterdir():
        assert pq.read_schema(file).equals(release_schema([Named()]))
        column = pq.read_metadata(file).row_group(0).column(1)
        assert (column.path_in_schema, column.compression) == ("text", "ZSTD")
        assert not any("DICTIONARY" in encoding for encoding in column.encodings)


def test_duckdb(golden_run: Path, expected: dict[str, int]) -> None:
    duckdb = pytest.importorskip("duckdb")
    files = golden_run / "release" / "data" / "*.parquet"
    assert dict(duckdb.sql(f"SELECT id, n_tok_qwen FROM '{files}'").fetchall()) == expected
    ((longest,),) = duckdb.sql(f"SELECT max(length(text) - characters) FROM '{files}'").fetchall()
    assert longest == 0, "characters are code points there too"


def test_pandas(golden_run: Path, expected: dict[str, int]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(golden_run / "release" / "data")
    assert dict(zip(frame["id"], frame["n_tok_qwen"].tolist(), strict=True)) == expected


def test_hugging_face_datasets(golden_run: Path, expected: dict[str, int], tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    files = str(golden_run / "release" / "data" / "*.parquet")
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    assert dict(zip(loaded["id"], loaded["n_tok_qwen"], strict=True)) == expected
