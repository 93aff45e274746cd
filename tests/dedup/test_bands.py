from __future__ import annotations

from pathlib import Path

import pytest

from stages.base import MAIN, InputError, Inputs
from stages.dedup.bands import DOCUMENTS, PARTS, Bands
from tests.dedup_corpus import Document, banded, partition, prose, run, world


def test_runs_are_sorted_and_cut_at_key_ranges(tmp_path: Path) -> None:
    documents = [Document(f"{n}", prose(50, n // 3)) for n in range(30)] + [Document("short", "短")]
    (banding,) = banded(tmp_path, [partition(tmp_path, "p", documents)], ranges=4)
    rows = banding.rows["bands"]
    table = rows.read()
    keys = list(zip(table["key"].to_pylist(), table["document"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert len(keys) == 30 * 16 + 2
    assert {document for _, document in keys} == set(range(31))
    assert [{key >> 62 for key in group["key"].to_pylist()} for group in rows.groups()] == [{0}, {1}, {2}, {3}]
    low, high = 1 << 62, (3 << 62) - 1
    inside = rows.between("key", low, high, ("document", "key"))
    assert inside["key"].to_pylist() == [key for key, _ in keys if low <= key <= high]


def test_run_bytes_do_not_depend_on_the_order_of_parts(tmp_path: Path) -> None:
    parts = [partition(tmp_path, f"p{n}", world(n)[:9]) for n in range(3)]
    one, other = (banded(tmp_path / str(i), group)[0] for i, group in enumerate([parts, parts[::-1]]))
    assert Path(one.rows["bands"].path).read_bytes() == Path(other.rows["bands"].path).read_bytes()


def test_bands_refuse_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="20 bands x 8 rows do not fit 112 permutations"):
        Bands(bands=20)
    part = partition(tmp_path, "p", [Document("a", prose(50, 1))], permutations=64)
    with pytest.raises(InputError, match="64 permutations and bands expects 112"):
        banded(tmp_path, [part])


def test_what_outlives_a_run_stands_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    parts = [partition(tmp_path, f"p{n}", [Document(f"{n}a", prose(50, n)), Document(f"{n}b", "短")]) for n in range(3)]
    stage, inputs = Bands(), Inputs(parts=tuple(parts[::-1]))
    written, counters = run(stage, inputs, tmp_path / "run")
    table = written[DOCUMENTS].read()
    assert table["id"].to_pylist() == [Document(f"{n}{side}", "").id for n in range(3) for side in "ab"]
    assert [sketch is None for sketch in table["sketch"].to_pylist()] == [False, True] * 3
    assert counters == {"documents": 6, "keys": 3 * 16 + 3 * 2}
    assert written[MAIN].read().schema.metadata[PARTS] == b"p0 p1 p2"


def test_a_threshold_takes_the_shape_that_datasketch_chooses() -> None:
    from datasketch import MinHashLSH

    theirs = MinHashLSH(threshold=0.8, num_perm=112)
    ours = Bands(threshold=0.8)
    assert ours.shape == (theirs.b, theirs.r)
    assert ours.params() == Bands(bands=theirs.b, rows=theirs.r).params()
