"""The histograms of components and clusters in the manifest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.dedup.blocks import histogram


@given(st.lists(st.integers(0, 1 << 40)))
@settings(deadline=None)  # the kernel compiles in the first example
def test_every_size_is_counted_under_the_power_of_two_below_it(sizes: list[int]) -> None:
    expected = Counter(1 << (size.bit_length() - 1) for size in sizes if size)
    assert histogram(np.array(sizes, np.int64)) == dict(sorted(expected.items()))


def test_the_manifest_counts_every_cluster_once_and_says_what_bands_find(golden_run: Path) -> None:
    manifest = json.loads((golden_run / "release" / "manifest.json").read_text())
    dedup, funnel = manifest["dedup"], manifest["funnel"]
    assert sum(dedup["clusters"].values()) == funnel["deduplicated"]["documents"]
    assert sum(dedup["components"].values()) == dedup["components"]["1"] + dedup["counters"]["components"]
    assert dedup["catch"]["0.8"] == round(1 - (1 - 0.8**8) ** 14, 6)
    assert not [name for name in dedup["counters"] if ".from." in name]
