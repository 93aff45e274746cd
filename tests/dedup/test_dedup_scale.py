from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stages.dedup.blocks
from stages.base import MAIN, Inputs, Part
from stages.dedup.bands import Bands
from stages.dedup.dedup import Dedup
from tests.bench.dedup_expected import check
from tests.bench.dedup_world import World
from tests.dedup_corpus import run


def test_places_are_a_permutation() -> None:
    world = World(60_007)
    places = world.places(np.arange(world.size))
    assert sorted(places.tolist()) == list(range(world.size))
    assert (world.documents(places) == np.arange(world.size)).all()


def test_a_world_of_known_duplicates_is_right_to_the_last_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `tests.bench.dedup_scale` does for millions, with huge components in several blocks."""
    monkeypatch.setattr(stages.dedup.blocks, "DOCUMENTS", 700)
    world = World(60_000)
    parts, runs = world.parts(), []
    for number, part in enumerate(parts):
        written, _ = run(Bands(), Inputs(parts=(part,)), tmp_path / f"run{number}")
        runs.append(Part(f"run{number}", "", 0, {"bands": written[MAIN]}))
    _, counters = run(Dedup(all_pairs=250), Inputs(parts=(*parts, *runs)), tmp_path / "dedup")
    seen = check(world, tmp_path / "dedup")
    assert (len(parts), seen["rows"]) == (2, 60_000)
    assert seen["dropped"] == counters["dropped.exact"] + counters["dropped.near"] > 10_000
    assert (counters["components.huge"], counters["largest_component"]) == (2, 600)
    assert counters["verified.text"] > 50
