from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.dedup.forest import Forest, merged, roots, spanning

N = 30
EDGES = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=60)


def forest(edges: list[tuple[int, int]]) -> Forest:
    ends = np.array(edges, dtype=np.int32).reshape(-1, 2)
    return spanning(ends[:, 0], ends[:, 1])


def naive(edges: list[tuple[int, int]]) -> list[int]:
    """Smallest document that each of N reaches."""
    smallest = list(range(N))
    for _ in range(N):
        for a, b in edges:
            smallest[a] = smallest[b] = min(smallest[a], smallest[b])
    return smallest


@settings(deadline=None)  # the first example compiles the kernels
@given(EDGES, st.integers(1, 9), st.randoms(use_true_random=False))
def test_any_split_and_any_order_of_merging_give_the_components_of_one_machine(
    edges: list[tuple[int, int]], pieces: int, rng: random.Random
) -> None:
    split: list[list[tuple[int, int]]] = [[] for _ in range(pieces)]
    for edge in edges:
        split[rng.randrange(pieces)].append(edge)
    forests = [forest(some) for some in split]
    expected = naive(edges)
    assert roots(N, forests).tolist() == expected
    tree = merged(forests)
    assert roots(N, [tree]).tolist() == expected
    while len(forests) > 1:  # any other tree, merged by any machine
        one, other = (forests.pop(rng.randrange(len(forests))) for _ in range(2))
        forests.append(merged([one, other]))
    for found in (tree, forests[0], forest(edges)):
        assert (found.members.tolist(), found.roots.tolist()) == (
            [n for n in range(N) if expected[n] < n],
            [expected[n] for n in range(N) if expected[n] < n],
        )


def test_a_forest_has_fewer_edges_than_documents_however_many_it_was_made_from() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 1000, (2, 100_000), dtype=np.int32)
    found = spanning(one, other)
    assert len(found.members) == 999
    assert (found.roots < found.members).all()
    assert found.members.dtype == np.int32


def test_nothing_joined_is_an_empty_forest() -> None:
    assert len(merged([]).members) == len(merged([forest([]), forest([(3, 3)])]).members) == 0
    assert roots(3, []).tolist() == [0, 1, 2]
