"""Train and held-out splits, by what a document was suspected to be a duplicate of: so no near-duplicate leaks across.

All documents of a component (those that band keys connect, see `stages.dedup.components`) fall into one split, by a hash of the
component's name alone: the same documents fall the same way on any machine, and no list of held-out documents is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

TRAIN = "train"
HELD_OUT = ("validation", "test")

Shares = tuple[tuple[str, float], ...]  # of the held-out splits: name and share of the components, in HELD_OUT's order


def split_of(component: bytes, shares: Shares) -> str:
    """The split of a component of 16 bytes; `shares` sum to less than 1, the rest is TRAIN."""
    point = int.from_bytes(hashlib.blake2b(component, digest_size=8, person=b"seimai-split").digest()) / 2**64
    edge = 0.0
    for name, share in shares:
        edge += share
        if point < edge:
            return name
    return TRAIN


def splits_of(components: Sequence[bytes | None], shares: Shares) -> list[str]:
    if not shares:
        return [TRAIN] * len(components)
    return [TRAIN if component is None else split_of(component, shares) for component in components]
