"""What became of a document, and why: read from the sidecars of a run, nothing is computed anew."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commit.commit import Committed
from pipeline.engine.barriers import reached
from pipeline.engine.plan import Plan, survey
from pipeline.errors import UsageError
from pipeline.explain.report import meaning
from pipeline.explain.trace_edits import SHOWN, changes
from pipeline.explain.trace_names import spellings
from pipeline.explain.trace_pair import side_by_side
from pipeline.explain.trace_values import value_lines
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef
from stages.base import Rows
from stages.measure.judge import UNWRITTEN
from stages.release.repeat import column as repeats
from stages.release.splits import splits_of
from stages.spans import apply
from stages.visible import visible

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Found:
    """One document in one partition, with the row of every sidecar that is committed for it."""

    part: PartRef
    row: int
    values: dict[str, dict[str, Any]]  # stage key -> column -> value
    unwritten: bool = False  # `write` could not mask or count it
    keeper_url: str = ""  # of the document that stays for this one
    keeper_text: str = ""  # edited


def find(plan: Plan, store: Store, target: str) -> tuple[list[Found], list[str], str]:
    """Documents whose id or URL is `target`, lines on records that never became documents, and what else it may be."""
    found = survey(store, plan.chains, plan.parts)
    if not any(part.outputs for part in found.parts):
        raise UsageError(f"{plan.recipe.path}: nothing is committed yet; run it first: seimai run {plan.recipe.path}")
    documents: list[Found] = []
    others: list[str] = []
    nameless = 0
    beyond = None if found.todo else reached(plan, store, found.parts)
    writing = survey(store, plan.writers, beyond).markers if beyond else {}
    for part in beyond or found.parts:
        if "extract" not in part.outputs:
            continue
        name = part.file.name if part.file else part.id
        markers = {**found.markers[part.id], **writing.get(part.id, {})}
        unwritten = {row["id"] for row in _quarantine(markers["write"], store)} if "write" in markers else set()
        documents += [
            replace(document, unwritten=document.values["extract"]["id"].hex() in unwritten)
            for document in _documents(part, store, target)
        ]
        extract = markers["extract"]
        others += [
            f"{name} at byte {at}: {reason} ({meaning(reason)})" for at, reason in _passed(extract, store, target)
        ]
        for key, each in markers.items():
            lost = _quarantine(each, store)
            nameless += sum(not row["url"] for row in lost)
            hits = [row for row in lost if target in (row["id"], row["url"])]
            others += [f"{name} quarantined by {key}: {row['where']}: {row['error']}" for row in hits]
    hint = f"; {nameless} damaged record(s) of it lost their URL" if nameless else ""
    if not documents and not others:
        hint = (
            _meant(
                target,
                [(part, found.markers[part.id]["extract"]) for part in found.parts if "extract" in part.outputs],
                store,
            )
            or hint
        )
    return [_with_keeper(document, found.parts, store) for document in documents], others, hint


def _with_keeper(document: Found, parts: Sequence[PartRef], store: Store) -> Found:
    dedup = document.values.get("dedup", {})
    # What an index knows is no document of this run, though one of the same id may be in it.
    keeper = None if dedup.get("level") == "known" else dedup.get("keeper")
    for part in parts if keeper else ():
        table = _read(store, part.outputs["extract"], ["id", "url"])
        for row in pc.indices_nonzero(pc.equal(table["id"], keeper)).to_pylist():
            text = _read(store, part.outputs["extract"], ["text"])["text"][row].as_py()
            edits = _read(store, part.outputs["edits"], ["edits"])["edits"][row].as_py()
            return replace(document, keeper_url=table["url"][row].as_py(), keeper_text=_edited(text, edits))
    return document


def _edited(text: str, edits: Sequence[Mapping[str, Any]]) -> str:
    return apply(text, [(e["start"], e["end"], e["text"]) for e in edits])


def _read(store: Store, output: Mapping[str, Any], columns: list[str] | None = None) -> pa.Table:
    return Rows(store.path(output["path"]), output["sha256"], output["rows"]).read(columns)


def _documents(part: PartRef, store: Store, target: str) -> Iterator[Found]:
    column, value = ("id", bytes.fromhex(target)) if _ID.fullmatch(target) else ("url", target)
    cells = _read(store, part.outputs["extract"], [column])[column]
    for row in pc.indices_nonzero(pc.equal(cells, value)).to_pylist():
        values = {key: _read(store, output).slice(row, 1).to_pylist()[0] for key, output in part.outputs.items()}
        yield Found(part, row, values)


def _url_key(url: str) -> bytes:
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _passed(marker: Committed, store: Store, url: str) -> list[tuple[int, str]]:
    if "passed" not in marker.outputs:
        return []
    table = _read(store, marker.outputs["passed"])
    hit = table.filter(pc.equal(table["url_hash"], _url_key(url)))
    return [(row["offset"], row["reason"]) for row in hit.to_pylist()]


def _meant(target: str, extracts: Sequence[tuple[PartRef, Committed]], store: Store) -> str:
    """The address that the crawl has instead of this one, documents and what was passed by alike; '' for none."""
    near = spellings(target)
    keys = {_url_key(url): url for url in near}
    found: set[str] = set()
    for part, marker in extracts if near else ():
        column = _read(store, part.outputs["extract"], ["url"])["url"]
        found |= set(column.filter(pc.is_in(column, pa.array(near))).to_pylist())
        if "passed" in marker.outputs:
            hashes = _read(store, marker.outputs["passed"], ["url_hash"])["url_hash"].to_pylist()
            found |= {keys[key] for key in hashes if key in keys}
    if found:
        return f"; did you mean {' or '.join([each for each in near if each in found][:3])}?"
    return "" if "://" in target or _ID.fullmatch(target) else "; nor is there a file of that name"


def _quarantine(marker: Committed, store: Store) -> list[dict[str, str]]:
    content = store.read(marker.quarantine["path"]) if marker.quarantine else None
    return [json.loads(line) for line in (content or b"").splitlines()]


def explain(found: Found, plan: Plan, shown: int | None = SHOWN) -> Iterator[str]:
    """The way of one document, a line a step; the last line is its fate. `shown` changes of each edit, None: all."""
    extract, file = found.values["extract"], found.part.file
    yield visible(extract["url"])
    yield f"  id {extract['id'].hex()}, source {found.part.source}, {file.name if file else ''} at byte {extract['offset']}"
    if extract["reason"]:
        yield f"  extract: {extract['reason']}: {meaning(extract['reason'])}"
        yield "=> not in the release"
        return
    undecodable = f", {extract['replaced']} not decodable" if extract["replaced"] else ""
    yield f"  extract: {len(extract['text']):,} characters, {extract['charset']}{undecodable}"
    language = found.values.get("language")
    if language is not None and language["japanese"] is not None:
        yield f"  language: {language['language']} ({language['probability']:.2f}), Japanese score {language['japanese']:.2f}"
    yield from changes(extract["text"], shown) if found.values.get("edits", {}).get("edits") else ["  edits: none"]
    yield from _values(found, plan)
    yield from _known(found)
    yield from _left_out(found)
    if found.keeper_text:
        yield from side_by_side(_edited(extract["text"], found.values["edits"]["edits"]), found.keeper_text)
    yield f"  text: {extract['text'][:200]!r}{'…' if len(extract['text']) > 200 else ''}"
    yield f"=> {_fate(found, plan)}"


def _left_out(found: Found) -> Iterator[str]:
    """The template lines that the release does not have."""
    spans = found.values.get("line-masks", {}).get("spans") or []
    if not spans:
        return
    text = _edited(found.values["extract"]["text"], found.values["edits"]["edits"])
    yield f"  template lines: {found.values['line-masks']['lines']}"
    lines = [line for span in spans for line in text[span["start"] : span["end"]].splitlines() if line.strip()]
    yield from (f"    - {line[:100]}{'…' if len(line) > 100 else ''}" for line in lines[:SHOWN])


def _known(found: Found) -> Iterator[str]:
    """The document of an index that this one is like."""
    known = found.values.get("known")
    if known and known["known"] is not None:
        how = "the same dedup key" if known["exact"] else f"{known['similarity']:.3f} alike by compact signatures"
        yield f"  known: {_reference(known)} of {known['index']}: {how}; its text is not read"


def _reference(known: Mapping[str, Any]) -> str:
    return known["reference"] or f"id {known['known'].hex()}"


def _fate(found: Found, plan: Plan) -> str:
    verdict, dedup = found.values.get("verdict"), found.values.get("dedup")
    if verdict is None:
        return "not judged yet"
    if not verdict["keep"]:
        others = f", and by {', '.join(verdict['failed'][1:])}" if len(verdict["failed"]) > 1 else ""
        return f"not in the release: rejected by {verdict['reason']} ({meaning(verdict['reason'])}){others}"
    if dedup is None:
        return "kept by all filters; duplicates are not looked for yet"
    if dedup["level"] == "known":
        old = found.values["known"]
        return f"not in the release: dedup.known, {old['similarity']:.3f} like {_reference(old)} of {old['index']}"
    if not dedup["level"] and not dedup["keep"]:
        return f"not in the release: dedup.error ({meaning('dedup.error')})"
    if not dedup["keep"]:
        alike = "too short to compare with" if dedup["similarity"] is None else f"{dedup['similarity']:.3f} like"
        return f"not in the release: dedup.{dedup['level']}, {alike} {visible(found.keeper_url)}"
    for left_out in (found.values.get(key) for key in ("line-masks", "deny", "cluster-cap", "host-cap")):
        if left_out is not None and not left_out["keep"]:
            return f"not in the release: {left_out['reason']} ({meaning(left_out['reason'])})"
    if found.unwritten:
        return f"not in the release: {UNWRITTEN} ({meaning(UNWRITTEN)})"
    lines = found.values.get("line-masks", {}).get("lines", 0)
    less = f", without {lines} template line(s)" if lines else ""
    return f"in the release{less}; stands for {dedup['cluster_size']} document(s){_repeated(dedup, plan)}"


def _repeated(dedup: Mapping[str, Any], plan: Plan) -> str:
    if not plan.recipe.repeat:
        return ""
    splits = splits_of([dedup["component"]], plan.recipe.splits)
    (times,) = repeats(pa.chunked_array([[dedup["cluster_size"]]]), splits, plan.recipe.repeat).to_pylist()
    return f", to be seen {times} time(s)"


def _values(found: Found, plan: Plan) -> Iterator[str]:
    measured = {
        code: value for key, row in found.values.items() if key.startswith("measure-") for code, value in row.items()
    }
    yield from value_lines(plan.recipe.bounds, plan.recipe.because, measured)
