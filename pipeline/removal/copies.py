"""Copies of documents that are to be removed: what dedup dropped for one of them says the same, and must go with it.

Otherwise the text would still lie in the work folder, and come up in the place of the removed document as soon as dedup is
run over other documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from pipeline.engine.barriers import reached
from pipeline.engine.plan import Plan, survey
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef
from stages.base import Rows
from stages.documents import ERASED


@dataclass(frozen=True)
class Kept:
    """A document that stays though it is like one that goes, for which it was kept."""

    id: str
    url: str
    similarity: float
    gone: str  # id of the one that goes


def look(plan: Plan, store: Store, asked: Mapping[str, str]) -> tuple[dict[str, str], list[Kept]] | None:
    """Id -> ticket of what was dropped for a document of `asked` (id -> ticket), and what was kept for one of these and is
    not asked for. None where dedup of this very plan is not committed."""
    parts = reached(plan, store, survey(store, plan.chains, plan.parts).parts)
    if parts is None:
        return None
    copies: dict[str, str] = {}
    keepers: dict[str, tuple[float, str]] = {}
    for part in parts:
        for id, keeper, similarity in _dropped(part, store):
            if id in asked and keeper not in asked:
                keepers.setdefault(keeper, (similarity, id))
            if keeper in asked and id not in asked:
                copies[id] = asked[keeper]
    return dict(sorted(copies.items())), list(_kept(parts, store, keepers))


def _dropped(part: PartRef, store: Store) -> Iterator[tuple[str, str, float]]:
    """Id, keeper and similarity of what dedup dropped."""
    table = _rows(part, "dedup", store).read(("keeper", "similarity"))
    rows = pc.indices_nonzero(pc.is_valid(table["keeper"])).to_numpy().astype("int64")
    ids = _rows(part, "extract", store).take(rows, ("id",))["id"]
    dropped = table.take(rows)
    for id, keeper, similarity in zip(
        ids.to_pylist(), *(dropped[n].to_pylist() for n in dropped.column_names), strict=True
    ):
        yield id.hex(), keeper.hex(), similarity


def _kept(parts: Sequence[PartRef], store: Store, keepers: Mapping[str, tuple[float, str]]) -> Iterator[Kept]:
    for part in parts if keepers else ():
        table = _rows(part, "extract", store).read(("id", "url", "reason")).to_pydict()
        for id, url, reason in zip(*table.values(), strict=True):
            if id.hex() in keepers and reason != ERASED:
                similarity, gone = keepers[id.hex()]
                yield Kept(id.hex(), url, similarity, gone)


def _rows(part: PartRef, key: str, store: Store) -> Rows:
    output: Mapping[str, Any] = part.outputs[key]
    return Rows(store.path(output["path"]), output["sha256"], output["rows"])
