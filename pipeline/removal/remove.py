"""Takedown: documents leave a release, and stay out of every later one.

Only row groups that held one of them come out different; the release keeps its place and names its parent. The list of
removals, `removals.jsonl`, holds hashes of URLs, ids and names of hosts with their tickets, never a text or a URL; a run into this
release folder, or of a recipe that names the list, leaves them out (`stages.release.left_out.Deny`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.commit.commit import canonical
from pipeline.commit.erase import listed_whole
from pipeline.errors import ShortError, UsageError
from pipeline.manifest.counts import Counts, Funnel, ShardEntry, Size, ratio
from pipeline.manifest.manifest import Manifest, Removal, SourceEntry, dump, load
from pipeline.manifest.shelve import place, remove_others
from pipeline.release.release import listed, notice, shard_path, tallied
from pipeline.store.folder import LocalStore, write
from stages.hosts import canonical as canonical_host
from stages.parquet import Writer, open_checked
from stages.release.host_table import HOSTS, ORDER
from stages.release.left_out import REMOVALS, REMOVED, Denied, url_key
from stages.release.shards import tally, total

JOURNAL = ".removal"  # in a release: the files that a removal puts in the place of its own, whole
SCRATCH = ".remove-"


@dataclass
class Gone:
    """What was removed, of one source."""

    documents: int = 0
    characters: int = 0
    tokens: Counter[str] = field(default_factory=Counter)  # tokenizer key -> tokens
    licenses: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)  # host -> documents
    host_tokens: Counter[str] = field(default_factory=Counter)  # host -> tokens of the first tokenizer

    def add(self, rows: pa.Table, keys: list[str]) -> None:
        self.documents += rows.num_rows
        self.characters += total(rows["characters"])
        for key in keys:
            self.tokens[key] += total(rows[f"n_tok_{key}"])
        self.licenses.update(rows["license"].to_pylist())
        self.policies.update(signal for policy in rows["policy"].to_pylist() for signal in policy.split())
        for host, n in zip(rows["host"].to_pylist(), rows[f"n_tok_{keys[0]}"].to_pylist(), strict=True):
            self.hosts[host] += 1
            self.host_tokens[host] += n


def asked(ticket: str, urls: Path | None, hosts: Path | None, ids: Path | None) -> list[dict[str, str]]:
    """The entries of `removals.jsonl` for lists of a URL, host or id a line. UsageError for what is none."""
    if not ticket.strip():
        raise UsageError("--ticket: who asks, e.g. --ticket T-2026-014; it stands in the manifest")
    found: list[dict[str, str]] = []
    for kind, file in (("url", urls), ("host", hosts), ("id", ids)):
        for number, line in enumerate(_lines(file), 1):
            if not line:
                continue
            key = {"url": url_key, "host": canonical_host, "id": str.lower}[kind](line)
            if not key or (kind == "id" and (len(key) != 32 or set(key) - set("0123456789abcdef"))):
                raise UsageError(
                    f"{file}:{number}: {line[:100]!r} is no {kind}" + (" (32 hex digits)" if kind == "id" else "")
                )
            found.append({"ticket": ticket.strip(), kind: key})
    if not found:
        raise UsageError("nothing is asked for: give --urls, --hosts or --ids, a file with one a line")
    return found


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def remove(release: Path, asks: Sequence[Mapping[str, str]]) -> tuple[Manifest, int]:
    """Remove what `asks` name. Returns the new manifest (the old one if nothing was there) and documents removed.

    The list is written first, so that from then on no run brings the documents back. What changes beside the shards is
    put together in JOURNAL; from its renaming on the removal counts, and whoever comes next finishes it.
    """
    folder = release if release.is_dir() else release.parent
    settle(folder)
    manifest, entries = load(release)
    note(folder / REMOVALS, asks)
    keys = [tokenizer.key for tokenizer in manifest.tokenizers]
    gone = {source.name: Gone() for source in manifest.sources}
    wanted = denied(asks)
    with tempfile.TemporaryDirectory(dir=folder, prefix=SCRATCH) as made:
        scratch = Path(made)
        left: list[ShardEntry] = []
        for entry in entries:
            found = _without(folder, entry, wanted, keys, gone[entry.source], scratch)
            left += [] if found is None else [found]
        documents = sum(each.documents for each in gone.values())
        if documents:
            hosts = _host_table(folder / manifest.hosts.path, gone, scratch)
            manifest = _manifest(manifest, left, gone, asks[0]["ticket"], hosts, keys)
            (scratch / "new").mkdir()
            write(scratch / "new" / manifest.hosts.path, hosts.read_bytes())
            write(scratch / "new" / "shards.jsonl", listed(left))
            write(scratch / "new" / "NOTICE", notice(manifest).encode())
            write(scratch / "new" / "manifest.json", dump(manifest))
            os.rename(scratch / "new", folder / JOURNAL)
    settle(folder)
    return manifest, documents


def settle(folder: Path) -> None:
    """Bring a release that a killed removal or run left behind to what its manifest says."""
    resume(folder)
    for name in ("manifest.json", "shards.jsonl", "NOTICE", "hosts.parquet", REMOVALS):
        for draft in folder.glob(f".{name}.*"):
            draft.unlink()
    if (folder / "manifest.json").exists():
        remove_others(LocalStore(folder), load(folder)[1])


def resume(folder: Path) -> None:
    """Finish a removal that was killed once it counted; sweep away what one that was killed before has left."""
    journal = folder / JOURNAL
    if journal.is_dir():
        for file in sorted(journal.iterdir(), key=lambda file: (file.name == "manifest.json", file.name)):
            os.replace(file, folder / file.name)
        journal.rmdir()
    for left in folder.glob(f"{SCRATCH}*"):
        shutil.rmtree(left)


def note(file: Path, asks: Sequence[Mapping[str, str]]) -> None:
    """Add to a list of removals what is not in it yet."""
    content = LocalStore(file.parent).read(file.name)
    if content is not None:
        listed_whole(str(file), content)
    before = (content or b"").splitlines()
    lines = dict.fromkeys([*before, *(canonical(ask) for ask in asks)])
    write(file, b"".join(line + b"\n" for line in lines))


def denied(asks: Sequence[Mapping[str, str]]) -> Denied:
    return Denied.parse("what is asked for", b"".join(canonical(ask) + b"\n" for ask in asks))


def _without(
    folder: Path, entry: ShardEntry, wanted: Denied, keys: list[str], gone: Gone, scratch: Path
) -> ShardEntry | None:
    """The entry of the shard without the denied rows, put in place; as it was where there is none, None where all are."""
    with open_checked(str(folder / entry.path)) as parquet:
        stays: list[pa.Array] = []
        for group in range(parquet.num_row_groups):
            columns = parquet.read_row_group(group, columns=["id", "url", "host"]).to_pydict()
            rows = zip(columns["id"], columns["url"], columns["host"], strict=True)
            stays.append(pa.array([wanted.ticket(*row) is None for row in rows], pa.bool_()))
        if all(pc.all(stay).as_py() for stay in stays):
            return entry
        counted: Counter[str] = Counter()
        file = scratch / "shard.parquet"
        with Writer(file, parquet.schema_arrow, 1 << 30) as writer:
            for group, stay in enumerate(stays):
                table = parquet.read_row_group(group)
                gone.add(table.filter(pc.invert(stay)), keys)
                table = table.filter(stay)
                if table.num_rows:
                    writer.write(table, cut=True)
                    counted.update(tally(table, keys))
            if not counted:
                return None
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    number = int(entry.path.rsplit("-", 2)[1])
    new = entry.model_copy(
        update={
            "path": shard_path(entry.source, entry.split, number, sha256),
            "rows": sum(pc.sum(stay).as_py() or 0 for stay in stays),
            "bytes": file.stat().st_size,
            "sha256": sha256,
            **tallied(counted, keys),
        }
    )
    place(file, folder / new.path, sha256)
    return new


def _host_table(file: Path, gone: dict[str, Gone], scratch: Path) -> Path:
    """The table of hosts without what is gone, in a file of its own."""
    table = pq.read_table(file)
    wanted = pa.array(sorted({host for each in gone.values() for host in each.hosts}), pa.string())
    touched = pc.is_in(table["host"], wanted)
    rows = table.filter(touched).to_pylist()
    for row in rows:
        of_source = gone[row["source"]]
        n = of_source.hosts[row["host"]]
        if not n:
            continue
        row["kept"] -= n
        row["left_out"] += n
        row["tokens"] -= of_source.host_tokens[row["host"]]
        row["keep_rate"] = row["kept"] / row["documents"]
        if row["main_reason"] == REMOVED:
            row["main_reason_documents"] += n
        elif n > row["main_reason_documents"]:
            row["main_reason"], row["main_reason_documents"] = REMOVED, n
    changed = pa.Table.from_pylist(rows, schema=HOSTS)
    table = pa.concat_tables([table.filter(pc.invert(touched)).cast(HOSTS), changed]).sort_by(ORDER)
    target = scratch / "hosts.parquet"
    with Writer(target, HOSTS) as writer:
        writer.write(table)
    return target


def _manifest(
    old: Manifest, entries: list[ShardEntry], gone: dict[str, Gone], ticket: str, hosts: Path, keys: list[str]
) -> Manifest:
    counts = Counts.of(entries, keys)
    everything = Gone()
    for each in gone.values():
        everything.documents += each.documents
        everything.characters += each.characters
        everything.tokens.update(each.tokens)
    removals = Counter({removal.ticket: removal.documents for removal in old.removals})
    removals[ticket] += everything.documents
    splits = [
        split.model_copy(update={"written": Counts.of([e for e in entries if e.split == split.name], keys)})
        for split in old.splits
    ]
    digest = hashlib.sha256(hosts.read_bytes()).hexdigest()
    funnel = _funnel(old.funnel, everything, keys[0])
    new = old.model_copy(
        update={
            "parent_id": old.id,
            "tokenizers": [
                t.model_copy(update={"characters_per_token": counts.characters_per_token[t.key]})
                for t in old.tokenizers
            ],
            "sources": [_source(source, gone[source.name], entries, keys) for source in old.sources],
            "splits": splits,
            "funnel": funnel,
            "polishing_ratio": ratio(funnel.written.characters, funnel.extracted.characters),
            "removals": [Removal(ticket=name, documents=n) for name, n in sorted(removals.items())],
            "hosts": old.hosts.model_copy(update={"bytes": hosts.stat().st_size, "sha256": digest}),
            "shards_sha256": hashlib.sha256(listed(entries)).hexdigest(),
            "shards": counts,
        }
    )
    if broken := new.funnel.broken_laws():
        raise ShortError(f"the release would not be conserved: {broken[0]}; `seimai verify` it first")
    return new.sealed()


def _source(source: SourceEntry, gone: Gone, entries: list[ShardEntry], keys: list[str]) -> SourceEntry:
    return source.model_copy(
        update={
            "licenses": _less(source.licenses, gone.licenses),
            "policies": _less(source.policies, gone.policies),
            "funnel": _funnel(source.funnel, gone, keys[0]),
            "written": Counts.of([e for e in entries if e.source == source.name], keys),
        }
    )


def _funnel(funnel: Funnel, gone: Gone, key: str) -> Funnel:
    if not gone.documents:
        return funnel
    written = Size(
        documents=funnel.written.documents - gone.documents,
        characters=funnel.written.characters - gone.characters,
        tokens=funnel.written.tokens - gone.tokens[key],
    )
    removed = Counter(funnel.removed)
    removed[REMOVED] += gone.documents
    return funnel.model_copy(update={"removed": dict(sorted(removed.items())), "written": written})


def _less(counts: dict[str, int], gone: Counter[str]) -> dict[str, int]:
    return {name: n - gone[name] for name, n in counts.items() if n > gone[name]}
