from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.bands import Bands
from stages.base import InputError
from stages.components import Ids, halves
from tests.dedup_corpus import Document, banded, partition, prose, world


def test_runs_are_sorted_and_cut_at_key_ranges(tmp_path: Path) -> None:
    documents = [Document(f"{n}", prose(50, n // 3)) for n in range(30)] + [Document("short", "短")]
    (run,) = banded(tmp_path, [partition(tmp_path, "p", documents)], ranges=4)
    rows = run.rows["bands"]
    table = rows.read()
    keys = list(zip(table["key"].to_pylist(), table["id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert len(keys) == 30 * 15 + 1
    assert table["sketch"].null_count == 1
    assert [{key >> 62 for key in group["key"].to_pylist()} for group in rows.groups()] == [{0}, {1}, {2}, {3}]
    low, high = 1 << 62, (3 << 62) - 1
    inside = rows.between("key", low, high, ("id", "key"))
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


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=30))
@settings(deadline=None)
def test_ids_are_found_at_their_first_place(names: list[bytes]) -> None:
    raw = np.frombuffer(b"".join(sorted(names)), dtype=np.uint8).reshape(-1, 16)
    ids = Ids(*halves(raw))
    assert ids.find(raw).tolist() == [sorted(names).index(name) for name in sorted(names)]
    assert ids.bytes(np.arange(len(ids))).tobytes() == raw.tobytes()


def test_a_threshold_takes_the_shape_that_datasketch_chooses() -> None:
    from datasketch import MinHashLSH

    theirs = MinHashLSH(threshold=0.8, num_perm=112)
    ours = Bands(threshold=0.8)
    assert ours.shape == (theirs.b, theirs.r)
    assert ours.params() == Bands(bands=theirs.b, rows=theirs.r).params()
