"""What dedup has to say of every document of a made world (`dedup_world`), and the comparison with what it said."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.columns import matrix
from stages.parquet import Rows
from tests.bench.dedup_world import ALONE, CHAIN, COPIES, I64, NEAR, PART, TEMPLATE, UNCLEAR, World

LAST = np.uint64((1 << 64) - 1)


def check(world: World, folder: Path) -> dict[str, int]:
    """Compares every row of every sidecar with what is known. AssertionError at the first that differs."""
    seen = {"rows": 0, "dropped": 0}
    for start in range(0, world.size, PART):
        documents = np.arange(start, min(start + PART, world.size))
        table = Rows(str(folder / f"dedup-{start // PART:08x}.parquet"), "", len(documents)).read()
        kind, cluster, _ = world.clusters(world.places(documents))
        keeper, size = _keepers(world, kind, cluster, documents)
        stays = keeper == documents
        level = np.where(stays, "", np.where(kind == COPIES, "exact", "near"))
        named, joined = matrix(table["keeper"].drop_null(), "u1"), matrix(table["component"], "u1")
        right = {
            "keep": table["keep"].to_numpy() == stays,
            "cluster_size": table["cluster_size"].to_numpy() == np.where(stays, size, 0),
            "level": table["level"].to_numpy() == level,
            "keeper": named == world.ids(keeper[~stays]),
            "component": joined == world.ids(_smallest(world, kind, cluster, documents)),
            "template": stays[kind == TEMPLATE],
        }
        for column, rows in right.items():
            assert np.all(rows), f"partition {start // PART}: {column}"
        seen["rows"] += len(documents)
        seen["dropped"] += int((~stays).sum())
    return seen


def _keepers(world: World, kind: I64, cluster: I64, documents: I64) -> tuple[I64, I64]:
    """Who stays for each document, and for how many."""
    keeper, size = documents.copy(), np.ones(len(documents), dtype=np.int64)
    fours = cluster >= world.giants[2]
    groups = [((kind == COPIES) | (kind == NEAR), 4), ((kind == UNCLEAR) & (world.alike(cluster) > 0.8), 2)]
    for of_kind, members in groups:
        who = np.flatnonzero(of_kind & fours)
        keeper[who] = _best(world, _members(world, cluster[who], members))
        size[who] = members
    for first, (best, _, members) in _giants(world).items():
        who = np.flatnonzero((cluster == first) & (kind != TEMPLATE) & ~fours)
        keeper[who], size[who] = best, members
    return keeper, size


def _smallest(world: World, kind: I64, cluster: I64, documents: I64) -> I64:
    """The document with the lowest id of the component of each."""
    lowest = documents.copy()
    fours = cluster >= world.giants[2]
    for of_kind, members in ((np.isin(kind, (COPIES, NEAR, CHAIN)), 4), (kind == UNCLEAR, 2)):
        who = np.flatnonzero(of_kind & fours)
        lowest[who] = _lowest(world, _members(world, cluster[who], members))
    for first, (_, smallest, _) in _giants(world).items():
        lowest[(cluster == first) & (kind != ALONE)] = smallest
    return lowest


@functools.cache
def _giants(world: World) -> dict[int, tuple[int, int, int]]:
    """First place of each giant -> its best document, that with the lowest id, and how many they are."""
    found = {}
    near, template, fours, _ = world.giants
    for first, last in ((0, near), (near, template), (template, fours)):
        members = world.documents(np.arange(first, last))[None]
        found[first] = int(_best(world, members)[0]), int(_lowest(world, members)[0]), last - first
    return found


def _members(world: World, cluster: I64, size: int) -> I64:
    """Documents of clusters of `size`, shape (clusters, size)."""
    return world.documents((cluster[:, None] + np.arange(size)).reshape(-1)).reshape(len(cluster), size)


def _lowest(world: World, members: I64) -> I64:
    """Of each row of documents the one with the lowest id."""
    return members[np.arange(len(members)), _upper(world, members).argmin(axis=1)]


def _best(world: World, members: I64) -> I64:
    """Of each row of documents the one to keep: the longest, then the lowest id."""
    length = world.characters(members.reshape(-1)).reshape(members.shape)
    id = np.where(length == length.max(axis=1, keepdims=True), _upper(world, members), LAST)
    return members[np.arange(len(members)), id.argmin(axis=1)]


def _upper(world: World, members: I64) -> npt.NDArray[np.uint64]:
    """Upper halves of the ids: no two of a made world are equal."""
    return world.ids(members.reshape(-1))[:, :8].copy().view(">u8").reshape(members.shape).astype(np.uint64)
