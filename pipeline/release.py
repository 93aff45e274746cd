"""Publishing: committed shards become a release folder. The manifest is written last, atomically."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.commit import Committed, canonical, stage_fingerprint
from pipeline.dedup_entry import dedup_entry, new_entry, templates_entry
from pipeline.errors import InputError, UsageError
from pipeline.funnel import funnel, samples, written_by
from pipeline.manifest import (
    InputFile,
    Manifest,
    ShardEntry,
    Size,
    SourceEntry,
    TokenizerEntry,
    dump,
)
from pipeline.plan import Plan
from pipeline.recipe_source import Source
from pipeline.run import Outcome
from pipeline.store import Store
from stages.tokens import vocabulary
from stages.write import release_schema

_SHARD_NAME = re.compile(r"\.?[\w.-]+-\d{5}-[0-9a-f]{8}\.parquet(\.\d+)?")
PLACE_ATTEMPTS = 3  # each is spoilt only by another run that ends at this very moment
DATA_NOTICE = """{name}: a corpus built by Seimai

{sources}
Text was selected, extracted and deduplicated; where a licence asks for changes to be stated, these are the changes.
Language identification: lid.176 by Facebook Research (Joulin et al. 2016), CC BY-SA 3.0.
"""


def publish(plan: Plan, store: Store, outcome: Outcome) -> tuple[Manifest, bool]:
    """Bring the release folder to what `outcome` says. Returns the manifest and whether anything had to change."""
    release = plan.recipe.release
    entries = [
        _shard_entry(source, index, name, marker)
        for source, index, name, marker in _numbered(outcome)
        if marker.outputs[name]["rows"]
    ]
    shards = b"".join(canonical(entry.model_dump()) + b"\n" for entry in entries)
    manifest = _manifest(plan, store, outcome, entries, hashlib.sha256(shards).hexdigest())
    texts = {
        "NOTICE": _notice(plan, manifest.sources).encode(),
        "shards.jsonl": shards,
        "manifest.json": dump(manifest),
    }
    changed = not _unchanged(release, texts, entries)
    try:
        if changed:
            (release / "data").mkdir(parents=True, exist_ok=True)
            for (_, _, name, marker), entry in zip(_rows_only(outcome), entries, strict=True):
                _place(Path(store.path(marker.outputs[name]["path"])), release / entry.path, entry.sha256)
            for name, content in texts.items():  # the manifest last
                _write(release / name, content)
        # Only now nothing refers to the shards of an earlier release; a run that was killed here left them to this one.
        _remove_others(release / "data", entries)
    except OSError as error:
        raise UsageError(f"{release}: the release cannot be written: {error.strerror or error}") from None
    return manifest, changed


def _numbered(outcome: Outcome) -> list[tuple[str, int, str, Committed]]:
    """Every shard file: source, its number within the source, its output name, its marker."""
    found: list[tuple[str, int, str, Committed]] = []
    counts: dict[str, int] = {}
    for source, marker in outcome.shards:
        for name in sorted(marker.outputs):
            index = counts[source] = counts.get(source, -1) + 1
            found.append((source, index, name, marker))
    return found


def _rows_only(outcome: Outcome) -> list[tuple[str, int, str, Committed]]:
    return [found for found in _numbered(outcome) if found[3].outputs[found[2]]["rows"]]


def _shard_entry(source: str, index: int, name: str, marker: Committed) -> ShardEntry:
    output, counters = marker.outputs[name], marker.counters
    return ShardEntry(
        path=f"data/{source}-{index:05d}-{output['sha256'][:8]}.parquet",
        source=source,
        rows=output["rows"],
        row_groups=counters[f"{name}.row_groups"],
        bytes=output["bytes"],
        text_bytes=counters[f"{name}.text_bytes"],
        characters=counters[f"{name}.characters"],
        tokens=counters[f"{name}.tokens"],
        sha256=output["sha256"],
    )


def _manifest(plan: Plan, store: Store, outcome: Outcome, entries: list[ShardEntry], shards_sha256: str) -> Manifest:
    recipe = plan.recipe
    whole = funnel(outcome)
    tokenizer = vocabulary(recipe.shards().tokenizer)
    fingerprints: dict[str, set[str]] = {}
    for stage in [*plan.stages(), *(s for chain in plan.chains.values() for s in chain), *_writers(plan)]:
        fingerprints.setdefault(stage.key, set()).add(stage_fingerprint(stage))
    return Manifest(
        format_version="1",
        id="",
        name=recipe.name,
        seimai=version("seimai"),
        stages={key: sorted(found) for key, found in sorted(fingerprints.items())},
        bounds={bound.code: [bound.at_least, bound.at_most] for bound in recipe.bounds},
        because=dict(sorted(recipe.because.items())),
        columns={field.name: str(field.type) for field in release_schema(recipe.shards().tokenizer)},
        tokenizers=[
            TokenizerEntry(
                key=tokenizer.key,
                sha256=tokenizer.sha256,
                vocabulary=tokenizer.size,
                bos_eos="none",
                characters_per_token=_ratio(whole.written.characters, whole.written.tokens),
            )
        ],
        sources=[_source_entry(plan, outcome, source) for source in recipe.sources],
        funnel=whole,
        polishing_ratio=_ratio(whole.written.characters, whole.extracted.characters),
        dedup=dedup_entry(plan, store, outcome),
        new=new_entry(plan, store, outcome),
        templates=templates_entry(plan, outcome),
        shards_sha256=shards_sha256,
        shards=Size(
            documents=sum(entry.rows for entry in entries),
            characters=sum(entry.characters for entry in entries),
            tokens=sum(entry.tokens for entry in entries),
        ),
    ).sealed()


def _writers(plan: Plan) -> list[Any]:
    return [stage for chain in plan.writers.values() for stage in chain]


def _source_entry(plan: Plan, outcome: Outcome, source: Source) -> SourceEntry:
    # A dump that is read in ranges is one input.
    files = dict.fromkeys(
        InputFile(name=part.file.name, sha256=part.file.sha256, bytes=part.file.bytes)
        for part in outcome.parts
        if part.source == source.name and part.file is not None
    )
    return SourceEntry(
        name=source.name,
        kind=source.kind,
        license=source.license,
        attribution=source.attribution,
        terms=source.terms,
        inputs=list(files),
        samples=samples(outcome, source.name, source.samples),
        licenses=written_by("license", outcome, source.name),
        pii=written_by("pii", outcome, source.name),
        policies=written_by("policy", outcome, source.name),
        funnel=funnel(outcome, source.name),
    )


def _notice(plan: Plan, entries: Sequence[SourceEntry]) -> str:
    lines = []
    for source in entries:
        found = [license or "licence not stated" for license in source.licenses] or [source.license]
        lines.append(f"Source {source.name} ({source.kind}): {', '.join(found)}")
        lines += [f"  {text}" for text in (source.attribution, source.terms) if text]
    return DATA_NOTICE.format(name=plan.recipe.name, sources="\n".join(lines))


def _unchanged(release: Path, texts: Mapping[str, bytes], entries: list[ShardEntry]) -> bool:
    try:
        same = all((release / name).read_bytes() == content for name, content in texts.items())
        return same and all((release / entry.path).stat().st_size == entry.bytes for entry in entries)
    except OSError:
        return False


def _place(committed: Path, target: Path, sha256: str) -> None:
    """A copy, not a hard link: a shard damaged in the release must not damage what it can be re-created from.

    Another run into the same release takes this one's draft for that of a killed run and removes it; then once more.
    """
    for attempt in range(PLACE_ATTEMPTS):
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            shutil.copyfile(committed, draft)
            with draft.open("rb") as copy:
                if hashlib.file_digest(copy, "sha256").hexdigest() != sha256:
                    raise InputError(f"{committed}: damaged since it was committed; delete it and run again")
                os.fsync(copy.fileno())
            os.replace(draft, target)
            return
        except FileNotFoundError:
            if attempt == PLACE_ATTEMPTS - 1 or not committed.exists():
                raise
        finally:
            draft.unlink(missing_ok=True)


def _remove_others(data: Path, entries: list[ShardEntry]) -> None:
    """Shards of earlier releases and drafts of killed runs, known by their names; nothing else is touched."""
    listed = {entry.path for entry in entries}
    for file in sorted(data.glob("*")):
        if _SHARD_NAME.fullmatch(file.name) and f"data/{file.name}" not in listed:
            file.unlink(missing_ok=True)


def _write(target: Path, content: bytes) -> None:
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(draft, 0o644)
    os.replace(draft, target)


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
