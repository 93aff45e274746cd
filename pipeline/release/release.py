"""Publishing: committed shards become a release folder. The manifest is written last, atomically."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

from pipeline.commit.commit import Committed, canonical, stage_fingerprint
from pipeline.engine.plan import Plan
from pipeline.engine.run import Outcome
from pipeline.errors import UsageError
from pipeline.manifest.counts import Counts, ShardEntry, Weighted, ratio
from pipeline.manifest.manifest import (
    HostsEntry,
    InputFile,
    Manifest,
    Removal,
    SourceEntry,
    SplitEntry,
    TokenizerEntry,
    dump,
)
from pipeline.manifest.shelve import copy_all, remove_drafts, remove_others, unchanged
from pipeline.recipe.identity import code_identity, recipe_identity
from pipeline.recipe.source import Source
from pipeline.release.dedup_entry import dedup_entry, templates_entry
from pipeline.release.funnel import funnel, removals, samples, written_by
from pipeline.release.new_entry import new_entry
from pipeline.store.opening import open_store
from pipeline.store.store import Store
from stages.base import MAIN, Stage
from stages.measure.vocabulary import Named
from stages.release.splits import TRAIN

DATA_NOTICE = """{name}: a corpus built by Seimai

{sources}
Text was selected, extracted and deduplicated; where a licence asks for changes to be stated, these are the changes.
Language identification: lid.176 by Facebook Research (Joulin et al. 2016), CC BY-SA 3.0.
"""


def publish(plan: Plan, store: Store, outcome: Outcome) -> tuple[Manifest, bool]:
    """Bring the release folder to what `outcome` says. Returns the manifest and whether anything had to change."""
    release = open_store(plan.recipe.release)
    keys = [tokenizer.key for tokenizer in plan.recipe.tokenizers]
    files = [(_shard_entry(file, keys), file.marker.outputs[file.name]["path"]) for file in _files(plan, outcome)]
    entries = [entry for entry, _ in files]
    shards = listed(entries)
    manifest = _manifest(plan, store, outcome, entries, hashlib.sha256(shards).hexdigest())
    texts = {
        "NOTICE": notice(manifest).encode(),
        "shards.jsonl": shards,
        "manifest.json": dump(manifest),
    }
    assert outcome.hosts is not None
    hosts = outcome.hosts.outputs[MAIN]
    changed = not unchanged(release, texts, {**{e.path: e.bytes for e in entries}, manifest.hosts.path: hosts["bytes"]})
    try:
        if changed:
            copies = [(committed, entry.path, entry.sha256) for entry, committed in files]
            copy_all(store, release, [*copies, (hosts["path"], manifest.hosts.path, hosts["sha256"])])
            for name, content in texts.items():  # the manifest last
                release.replace(name, content)
        # Only now nothing refers to the shards of an earlier release; a run that was killed here left them to this one.
        remove_others(release, entries)
        remove_drafts(release)
    except OSError as error:
        raise UsageError(f"{release.place}: the release cannot be written: {error.strerror or error}") from None
    return manifest, changed


def listed(entries: Sequence[ShardEntry]) -> bytes:
    """shards.jsonl."""
    checked = [ShardEntry.model_validate(entry.model_dump()) for entry in entries]
    return b"".join(canonical(entry.model_dump()) + b"\n" for entry in checked)


class _File(NamedTuple):
    """One committed shard file, and its number within its source and split."""

    source: str
    split: str
    number: int
    name: str  # of the output of `marker`
    marker: Committed


def _files(plan: Plan, outcome: Outcome) -> list[_File]:
    """Every shard file that has rows: sources in the order of the recipe, train before what is held out."""
    sources, splits = [source.name for source in plan.recipe.sources], plan.recipe.split_names
    found: list[_File] = []
    counts: dict[tuple[str, str], int] = {}
    for source, split, marker in sorted(outcome.shards, key=lambda g: (sources.index(g[0]), splits.index(g[1]))):
        for name in sorted(marker.outputs):
            if marker.outputs[name]["rows"]:
                number = counts[source, split] = counts.get((source, split), -1) + 1
                found.append(_File(source, split, number, name, marker))
    return found


def shard_path(source: str, split: str, index: int, sha256: str) -> str:
    return f"data/{source}-{split}-{index:05d}-{sha256[:8]}.parquet"


def _shard_entry(file: _File, keys: Sequence[str]) -> ShardEntry:
    output = file.marker.outputs[file.name]
    counters = {
        name.removeprefix(f"{file.name}."): n
        for name, n in file.marker.counters.items()
        if name.startswith(f"{file.name}.")
    }
    return ShardEntry(
        path=shard_path(file.source, file.split, file.number, output["sha256"]),
        source=file.source,
        split=file.split,
        rows=output["rows"],
        bytes=output["bytes"],
        sha256=output["sha256"],
        **tallied(counters, keys),
    )


def tallied(counters: Mapping[str, int], keys: Sequence[str]) -> dict[str, Any]:
    """The fields of a ShardEntry that `stages.release.shards.tally` counts."""
    return {
        "row_groups": counters["row_groups"],
        "text_bytes": counters["text_bytes"],
        "characters": counters["characters"],
        "tokens": {key: counters[f"tokens.{key}"] for key in keys},
        "weighted": Weighted.told(counters, keys),
    }


def _manifest(plan: Plan, store: Store, outcome: Outcome, entries: list[ShardEntry], shards_sha256: str) -> Manifest:
    recipe = plan.recipe
    whole = funnel(outcome)
    keys = [tokenizer.key for tokenizer in recipe.tokenizers]
    counts = Counts.of(entries, keys)
    fingerprints: dict[str, set[str]] = {}
    for stage in every_stage(plan):
        fingerprints.setdefault(stage.key, set()).add(stage_fingerprint(stage))
    shares = dict(recipe.splits)
    shares[TRAIN] = round(1 - sum(shares.values()), 9)
    return Manifest(
        format_version="2",
        id="",
        parent_id="",
        name=recipe.name,
        seimai=version("seimai"),
        code=code_identity(),
        recipe=recipe_identity(recipe, fingerprints),
        base_url=recipe.base_url,
        stages={key: sorted(found) for key, found in sorted(fingerprints.items())},
        bounds={bound.code: [bound.at_least, bound.at_most] for bound in recipe.bounds},
        because=dict(sorted(recipe.because.items())),
        columns={field.name: str(field.type) for field in recipe.shards().further},
        tokenizers=[_tokenizer(each, counts) for each in recipe.tokenizers],
        sources=[_source_entry(plan, outcome, source, entries) for source in recipe.sources],
        splits=[
            SplitEntry(name=name, share=shares[name], written=Counts.of([e for e in entries if e.split == name], keys))
            for name in recipe.split_names
        ],
        funnel=whole,
        polishing_ratio=ratio(whole.written.characters, whole.extracted.characters),
        dedup=dedup_entry(plan, outcome),
        new=new_entry(plan, store, outcome),
        removals=[Removal(ticket=ticket, documents=n) for ticket, n in removals(outcome).items()],
        hosts=_hosts(outcome),
        templates=templates_entry(plan, outcome),
        repeat={str(size): n for size, n in recipe.repeat} or None,
        shards_sha256=shards_sha256,
        shards=counts,
    ).sealed()


def every_stage(plan: Plan) -> list[Stage]:
    """Of each key all variants: readers and writers differ by source, shards by split."""
    chains = [*plan.chains.values(), *plan.writers.values()]
    shards = [plan.recipe.shards(split) for split in plan.recipe.split_names]
    caps = [plan.recipe.host_cap(source) for source in plan.recipe.sources if source.tokens_per_host]
    chains += plan.index_chains.values()
    return [*plan.stages(), *(stage for chain in chains for stage in chain), *caps, *shards]


def _tokenizer(named: Named, counts: Counts) -> TokenizerEntry:
    tokenizer = named.load()
    return TokenizerEntry(
        key=named.key,
        kind=tokenizer.kind,
        sha256=tokenizer.sha256,
        pattern=tokenizer.pattern,
        vocabulary=tokenizer.size,
        library=f"{tokenizer.library} {version(tokenizer.library)}",
        bos_eos="none",
        specials="text",
        characters_per_token=counts.characters_per_token[named.key],
    )


def _hosts(outcome: Outcome) -> HostsEntry:
    assert outcome.hosts is not None
    output = outcome.hosts.outputs[MAIN]
    return HostsEntry(path="hosts.parquet", hosts=output["rows"], bytes=output["bytes"], sha256=output["sha256"])


def _source_entry(plan: Plan, outcome: Outcome, source: Source, entries: list[ShardEntry]) -> SourceEntry:
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
        tokens_per_host=source.tokens_per_host,
        inputs=list(files),
        samples=samples(outcome, source.name, source.samples),
        licenses=written_by("license", outcome, source.name),
        pii=written_by("pii", outcome, source.name),
        policies=written_by("policy", outcome, source.name),
        funnel=funnel(outcome, source.name),
        written=Counts.of(
            [entry for entry in entries if entry.source == source.name], [each.key for each in plan.recipe.tokenizers]
        ),
    )


def notice(manifest: Manifest) -> str:
    """NOTICE of a release: whom the text is from and under which terms."""
    return DATA_NOTICE.format(name=manifest.name, sources="\n".join(credits_of(manifest)))


def credits_of(manifest: Manifest) -> list[str]:
    """The lines of NOTICE that name the sources."""
    lines = []
    for source in manifest.sources:
        found = [license or "licence not stated" for license in source.licenses] or [source.license]
        lines.append(f"Source {source.name} ({source.kind}): {', '.join(found)}")
        lines += [f"  {text}" for text in (source.attribution, source.terms) if text]
    return lines
