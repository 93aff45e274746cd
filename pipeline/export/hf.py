"""A dataset card for Hugging Face `datasets`: README.md whose header tells `load_dataset` which files are which split."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.export import Release, begin, hold, record
from pipeline.manifest.counts import ShardEntry
from pipeline.manifest.manifest import Manifest
from pipeline.manifest.shelve import copy_all, remove_others
from pipeline.release.release import notice
from pipeline.store.folder import LocalStore, write

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
          (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"))  # fmt: skip
# Licences that the hub knows, by their SPDX name in lower case; anything else is 'other' and the card says what.
_KNOWN = re.compile(r"apache-2\.0|mit|cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[234]\.0|odc-by|gfdl|unlicense")


def export(release: Release, out: Path) -> list[str]:
    """Write the card to `out`; the shards go there too, unless `out` is the release itself. Returns what was done."""
    elsewhere = not isinstance(release.folder, Path) or out.resolve() != release.folder.resolve()
    begin(out, "hf", {}, ["README.md", "NOTICE"] if elsewhere else ["README.md"])
    if elsewhere:
        here = LocalStore(out)
        copy_all(release.store, here, [(entry.path, entry.path, entry.sha256) for entry in release.entries])
        remove_others(here, release.entries)  # of an earlier export: what was removed since must not stay
        write(out / "NOTICE", notice(release.manifest).encode())
    configs = _configs(release)
    for name, splits in configs.items():
        stated = [s.written for s in release.manifest.sources if s.name == name] or [release.manifest.shards]
        files = [entry for patterns in splits.values() for entry in _matched(patterns, release.entries)]
        rows = sum(pq.read_metadata(out / entry.path).num_rows for entry in files)
        hold(f"documents of config {name}", rows, stated[0].documents)
    write(out / "README.md", _card(release.manifest, configs).encode())
    shards = release.manifest.shards
    record(out, release, "hf", {"documents": shards.documents, "tokens": shards.tokens})
    return [f"{out / 'README.md'}: {len(configs)} configs", f"load_dataset({str(out)!r}, {next(iter(configs))!r})"]


def _configs(release: Release) -> dict[str, dict[str, list[str]]]:
    """Config -> split -> patterns of files: `all`, which is the default, and one a source."""
    groups = release.groups()
    configs: dict[str, dict[str, list[str]]] = {}
    everything: dict[str, list[str]] = {}
    for (source, split), entries in groups.items():
        patterns = _patterns(source, split, entries, release.entries)
        configs.setdefault(source, {})[split] = patterns
        everything.setdefault(split, []).extend(patterns)
    name = next(name for name in ("all", "all-sources", "all-sources-of-it") if name not in configs)
    return {name: everything, **configs} if everything else {}


def _patterns(source: str, split: str, entries: list[ShardEntry], every: list[ShardEntry]) -> list[str]:
    """One pattern, where it fits these files alone; names may be beginnings of each other, and then the files stand there."""
    pattern = f"data/{source}-{split}-?????-????????.parquet"
    files = [entry.path for entry in entries]
    return [pattern] if [entry.path for entry in _matched([pattern], every)] == files else files


def _matched(patterns: Iterable[str], entries: list[ShardEntry]) -> list[ShardEntry]:
    listed = list(patterns)
    return [entry for entry in entries if any(fnmatchcase(entry.path, pattern) for pattern in listed)]


def _card(manifest: Manifest, configs: dict[str, dict[str, list[str]]]) -> str:
    quoted = json.dumps  # JSON strings and lists are YAML
    documents = manifest.shards.documents
    licenses = sorted({license for source in manifest.sources for license in source.licenses if license})
    known = [license.lower() for license in licenses if _KNOWN.fullmatch(license.lower())]
    header = ["language:", "- ja", "license:", *(f"- {name}" for name in known)]
    header += [] if known and len(known) == len(licenses) else ["- other"]
    header += ["task_categories:", "- text-generation", f"pretty_name: {quoted(manifest.name, ensure_ascii=False)}"]
    header += ["size_categories:", f"- {next((name for most, name in _SIZES if documents < most), 'n>1T')}", "configs:"]
    for number, (name, splits) in enumerate(configs.items()):
        header += [f"- config_name: {quoted(name, ensure_ascii=False)}", *(["  default: true"] if not number else [])]
        header.append("  data_files:")
        for split, patterns in splits.items():
            header += [f"  - split: {split}", f"    path: {quoted(patterns, ensure_ascii=False)}"]
    return "\n".join(["---", *header, "---", "", *_body(manifest)])


def _body(manifest: Manifest) -> list[str]:
    keys = [tokenizer.key for tokenizer in manifest.tokenizers]
    lines = [
        f"# {manifest.name}",
        "",
        f"A Japanese corpus built by Seimai {manifest.seimai}; manifest id `{manifest.id}`.",
        "",
        f"| source | licence | documents | characters | {' | '.join(f'{key} tokens (characters each)' for key in keys)} |",
        f"|---|---|{'---:|' * (2 + len(keys))}",
    ]
    for source in manifest.sources:
        n = source.written
        licence = ", ".join(license or "not stated" for license in source.licenses) or source.license or "not stated"
        tokens = " | ".join(f"{n.tokens[key]:,} ({n.characters_per_token[key]:.2f})" for key in keys)
        lines.append(f"| {source.name} | {licence} | {n.documents:,} | {n.characters:,} | {tokens} |")
    lines += ["", "Attribution and terms: see NOTICE. Splits are by group of suspected near-duplicates.", ""]
    for tokenizer in manifest.tokenizers:
        lines.append(f"- `n_tok_{tokenizer.key}`: {tokenizer.kind}, sha256 `{tokenizer.sha256}`, no BOS or EOS counted")
    if manifest.repeat is not None and (seen := manifest.shards.weighted) is not None:
        rule = ", ".join(f"{n} from {size} on" for size, n in manifest.repeat.items())
        tokens = ", ".join(f"{n:,} {key} tokens" for key, n in seen.tokens.items())
        lines.append(
            f"- `repeat`: how often to train on a document, by `cluster_size` (else 1; {rule}; what is held out: 1)"
        )
        lines.append(f"- with repeats: {seen.documents:,} documents, {seen.characters:,} characters, {tokens}")
    lines += [
        "",
        "| column | type |",
        "|---|---|",
        *(f"| {name} | {kind} |" for name, kind in manifest.columns.items()),
        "",
    ]
    return lines
