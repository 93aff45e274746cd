"""What became of a document, and why: read from the sidecars of a run, nothing is computed anew."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters import FILTERS
from pipeline.commit import Committed
from pipeline.errors import UsageError
from pipeline.plan import Plan, committed_dedup, survey
from pipeline.report import meaning
from pipeline.store import Store
from pipeline.task import PartRef

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Found:
    """One document in one partition, with the row of every sidecar that is committed for it."""

    part: PartRef
    row: int
    values: dict[str, dict[str, Any]]  # stage key -> column -> value
    keeper_url: str = ""  # of the document that stays for this one


def find(plan: Plan, store: Store, target: str) -> tuple[list[Found], list[str]]:
    """Documents whose id or URL is `target`, and lines on records that never became documents."""
    found = survey(store, plan.chains, plan.parts)
    if not any(part.outputs for part in found.parts):
        raise UsageError(f"{plan.recipe.path}: nothing is committed yet; run it first: seimai run {plan.recipe.path}")
    documents: list[Found] = []
    others: list[str] = []
    marker = None if found.todo else committed_dedup(plan, store, found.parts)
    dedup = marker.outputs if marker else {}
    for part in found.parts:
        if "extract" not in part.outputs:
            continue
        name = part.file.name if part.file else part.id
        documents += _documents(part, store, target, dedup)
        marker = found.markers[part.id]["extract"]
        others += [
            f"{name} at byte {offset}: {reason} ({meaning(reason)})"
            for offset, reason in _passed(marker, store, target)
        ]
        for key, each in found.markers[part.id].items():
            others += [f"{name} quarantined by {key}: {line}" for line in _quarantined(each, store, target)]
    return [_with_keeper(document, found.parts, store) for document in documents], others


def _with_keeper(document: Found, parts: Sequence[PartRef], store: Store) -> Found:
    keeper = document.values.get("dedup", {}).get("keeper")
    for part in parts if keeper else ():
        table = pq.read_table(store.path(part.outputs["extract"]["path"]), columns=["id", "url"], partitioning=None)
        for url in table.filter(pc.equal(table["id"], keeper))["url"].to_pylist():
            return replace(document, keeper_url=url)
    return document


def _documents(part: PartRef, store: Store, target: str, dedup: Mapping[str, Mapping[str, Any]]) -> Iterator[Found]:
    path = store.path(part.outputs["extract"]["path"])
    column, value = ("id", bytes.fromhex(target)) if _ID.fullmatch(target) else ("url", target)
    cells = pq.read_table(path, columns=[column], partitioning=None)[column]
    outputs = {**part.outputs, **({"dedup": dedup[part.id]} if part.id in dedup else {})}
    for row in pc.indices_nonzero(pc.equal(cells, value)).to_pylist():
        values = {
            key: pq.read_table(store.path(output["path"]), partitioning=None).slice(row, 1).to_pylist()[0]
            for key, output in outputs.items()
        }
        yield Found(part, row, values)


def _passed(marker: Committed, store: Store, url: str) -> list[tuple[int, str]]:
    if "passed" not in marker.outputs:
        return []
    table = pq.read_table(store.path(marker.outputs["passed"]["path"]), partitioning=None)
    key = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    hit = table.filter(pc.equal(table["url_hash"], key))
    return [(row["offset"], row["reason"]) for row in hit.to_pylist()]


def _quarantined(marker: Committed, store: Store, target: str) -> list[str]:
    content = store.read(marker.quarantine["path"]) if marker.quarantine else None
    rows = [json.loads(line) for line in (content or b"").splitlines()]
    return [f"{row['where']}: {row['error']}" for row in rows if target in (row["id"], row["url"])]


def explain(found: Found, plan: Plan) -> Iterator[str]:
    """The way of one document, a line a step."""
    extract = found.values["extract"]
    yield f"{extract['url']}"
    yield f"  id {extract['id'].hex()}, source {found.part.source}, {found.part.file.name if found.part.file else ''} at byte {extract['offset']}"
    yield f"  extract: {len(extract['text']):,} characters, {extract['charset']}, {extract['replaced']} not decodable{_because(extract['reason'])}"
    if "language" in found.values:
        language = found.values["language"]
        yield f"  language: {language['language']} ({language['probability']:.2f}), Japanese score {language['japanese']:.2f}"
    edits = found.values.get("edits", {}).get("edits") or []
    yield f"  edits: {len(edits)}" + "".join(
        f"; {extract['text'][e['start'] : e['end']]!r} -> {e['text']!r}" for e in edits[:5]
    )
    yield from _values(found, plan)
    verdict = found.values.get("verdict")
    if verdict is not None:
        others = f" (also {', '.join(verdict['failed'][1:])})" if len(verdict["failed"]) > 1 else ""
        yield f"  verdict: {'kept' if verdict['keep'] else 'rejected' + _because(verdict['reason']) + others}"
    dedup = found.values.get("dedup")
    if dedup is not None and verdict is not None and verdict["keep"]:
        if dedup["keep"]:
            yield f"  dedup: kept, stands for {dedup['cluster_size']} document(s)"
        else:
            yield f"  dedup: dropped ({dedup['level']}), {dedup['similarity']:.3f} like {found.keeper_url}"
    yield f"  text: {extract['text'][:200]!r}{'…' if len(extract['text']) > 200 else ''}"


def _values(found: Found, plan: Plan) -> Iterator[str]:
    bounds = {bound.code: bound for bound in plan.recipe.bounds}
    measured = {
        code: value for key, row in found.values.items() if key.startswith("measure-") for code, value in row.items()
    }
    for code, bound in bounds.items():
        value = measured.get(code)
        if value is None:
            continue
        low = "" if bound.at_least is None else f"{bound.at_least:g} <= "
        high = "" if bound.at_most is None else f" <= {bound.at_most:g}"
        mark = " " if bound.keeps(value) else "x"
        yield f"  {mark} {code} {FILTERS[code].name}: {low}{value:.4g}{high}"


def _because(reason: str) -> str:
    return f", {reason}: {meaning(reason)}" if reason else ""
