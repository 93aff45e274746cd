"""What a recipe says of how often trainers should see a document: `[repeat]`, by cluster size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pipeline.errors import UsageError
from pipeline.recipe import checks
from stages.release.repeat import MOST, Steps

_WHOLE = re.compile(r"[1-9][0-9]{0,9}")
_LARGEST = 2**31 - 1  # a cluster size is an int32


def repeat(recipe: Mapping[str, Any], where: str) -> Steps:
    """`[repeat]`: cluster size -> times, sizes ascending; () without the table."""
    if "repeat" not in recipe:
        return ()
    table, where = checks.table(recipe, "repeat", where), f"{where} [repeat]"
    if not table:
        raise UsageError(f"{where}: says nothing; from which cluster size on how often, e.g. 10 = 3, or leave it out")
    steps = tuple((_size(key, where), _times(key, value, where)) for key, value in table.items())
    for (before, _), (size, _) in pairwise(steps):
        if size <= before:
            raise UsageError(
                f"{where}: {size} stands behind {before}; write cluster sizes in ascending order, each once"
            )
    return steps


def _size(key: str, where: str) -> int:
    if not _WHOLE.fullmatch(key) or not 2 <= int(key) <= _LARGEST:
        raise UsageError(
            f"{where}: {key!r} is no cluster size; a whole number from 2 on, e.g. 10 = 3 (smaller ones: once)"
        )
    return int(key)


def _times(key: str, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise UsageError(f"{where}: {key} = {value!r}: how often, a whole number from 0 (left out) to {MOST}")
    return value
