"""Union-find in pieces: spanning forests of some of the edges, merged in any order into the components of all of them.

A forest needs memory only for the documents that are joined to another one, and has at most n - 1 edges however many
it was made from. So key ranges can be taken one by one, or by as many machines as there are, and their forests merged
as a tree: the union of two spanning forests connects what their edges connected. On one machine they are merged into
an array over all documents, which is the cheapest where it fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel

Numbers = npt.NDArray[Any]  # of documents: int32, or int64 where there are more


class Forest(NamedTuple):
    """The documents that are joined to a smaller one, ascending, and the smallest of the tree of each; both (f,).

    The same components have the same forest, whatever edges made them.
    """

    members: Numbers
    roots: Numbers


@kernel
def _root(parent: Numbers, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # path halving
        i = parent[i]
    return i


@kernel
def _join(parent: Numbers, one: Numbers, other: Numbers) -> None:
    """Links the trees of both ends of every edge. The smaller number becomes the root."""
    for i in range(len(one)):
        a, b = _root(parent, one[i]), _root(parent, other[i])
        parent[max(a, b)] = min(a, b)


@kernel
def _flatten(parent: Numbers) -> None:
    # Parents never have larger numbers than their children, so one ascending pass reaches every root.
    for i in range(len(parent)):
        parent[i] = parent[parent[i]]


def spanning(one: Numbers, other: Numbers) -> Forest:
    """The forest of the edges one[i] - other[i], both of shape (e,). In memory: about 30 bytes an edge."""
    nodes = np.sort(np.concatenate([one, other]))
    nodes = nodes[np.append(True, nodes[1:] != nodes[:-1])] if len(nodes) else nodes
    parent = np.arange(len(nodes), dtype=np.int32 if len(nodes) < 1 << 31 else np.int64)
    _join(parent, np.searchsorted(nodes, one), np.searchsorted(nodes, other))
    _flatten(parent)
    joined = np.flatnonzero(parent != np.arange(len(parent), dtype=parent.dtype))
    return Forest(nodes[joined], nodes[parent[joined]])


def merged(forests: Iterable[Forest]) -> Forest:
    """One forest of all: pairs are merged as soon as they are equally deep in the tree, so few are held at once."""
    waiting: list[tuple[int, Forest]] = []  # depth, forest; depths fall
    for forest in forests:
        depth, grown = 0, forest
        while waiting and waiting[-1][0] == depth:
            depth, grown = depth + 1, _both(waiting.pop()[1], grown)
        waiting.append((depth, grown))
    whole = waiting.pop()[1] if waiting else Forest(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32))
    while waiting:
        whole = _both(waiting.pop()[1], whole)
    return whole


def _both(one: Forest, other: Forest) -> Forest:
    return spanning(np.concatenate([one.members, other.members]), np.concatenate([one.roots, other.roots]))


def roots(n: int, forests: Iterable[Forest]) -> Numbers:
    """Smallest document of the component of each of n documents, shape (n,): 4 bytes each, 8 from 2**31 on."""
    parent = np.arange(n, dtype=np.int32 if n < 1 << 31 else np.int64)
    for forest in forests:
        _join(parent, forest.members, forest.roots)
    _flatten(parent)
    return parent
