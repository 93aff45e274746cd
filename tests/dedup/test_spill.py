from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stages.dedup.spill
from stages.dedup.spill import Spill

TYPE = np.dtype([("bucket", "<i4"), ("number", "<i8")])


@pytest.mark.parametrize("buffer", [0, 100, 1 << 20])
def test_records_come_back_once_by_bucket_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffer: int
) -> None:
    monkeypatch.setattr(stages.dedup.spill, "BUFFER", buffer)
    records = np.zeros(50, dtype=TYPE)
    records["bucket"], records["number"] = np.arange(50) * 7 % 4, np.arange(50)
    spill = Spill(tmp_path, "made", TYPE, 5)
    for some in np.split(records, [0, 3, 3, 20, 41]):
        spill.add(some, some["bucket"])
    assert len(list(tmp_path.iterdir())) == (4 if buffer < 1000 else 0)
    assert (spill.written > 0) == (buffer < 1000)
    for bucket in (2, 0, 4, 3, 1):
        assert spill.take(bucket)["number"].tolist() == [n for n in range(50) if n * 7 % 4 == bucket]
        assert len(spill.take(bucket)) == 0
    assert not list(tmp_path.iterdir())
