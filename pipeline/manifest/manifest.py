"""The manifest: the one file a trainer reads. Nothing in it differs between two runs of the same thing.

`manifest.json` (small) says what there is; `shards.jsonl` has a line a shard. Both are validated on write and on load;
the JSON Schema of both is generated into `manifests/` (`python -m pipeline.manifest` writes it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from pipeline.commit.commit import canonical
from pipeline.errors import ShortError, UsageError
from pipeline.manifest.counts import Closed, Counts, Funnel, ShardEntry, absent
from pipeline.manifest.duplicates import Dedup, New, Templates
from pipeline.store.opening import open_store
from pipeline.store.places import Place
from pipeline.store.store import Store

FORMAT = "2"
Model = TypeVar("Model", bound=BaseModel)
SCHEMA = Path(__file__).resolve().parents[2] / "manifests" / "manifest.schema.json"


class InputFile(Closed):
    """A file that documents were read from."""

    name: str = Field(description="without its folder")
    sha256: str = Field(description="of its bytes; of a fetched file, the digest of its published name or its ETag")
    bytes: int = Field(description="0 where the size was not asked for")


class Sample(Closed):
    """A deterministic sample of what was passed by, taken along to measure what is missed. It is in all counts."""

    of: Literal["gate", "index"] = Field(description="what had passed it by: the byte gate, or the index selection")
    one_in: int = Field(description="1 in so many was taken")
    records: int = Field(description="records taken along")
    written: int = Field(description="of these in the release")
    recall: float | None = Field(
        description="estimated share of the release's kind of documents that were not passed by; null when nothing was written"
    )


class SourceEntry(Closed):
    """A `[[source]]` of the recipe and what came of it."""

    name: str = Field(description="the column `source`")
    kind: str = Field(description="warc, mediawiki, jsonl, parquet, wet, aozora, egov or kokkai")
    license: str = Field(description="of the recipe: SPDX expression or a text; '' when it does not say")
    licenses: dict[str, int] = Field(description="documents written by licence: their own, else that of the recipe")
    attribution: str = Field(description="whom to name")
    terms: str = Field(description="URL of the terms of use")
    tokens_per_host: int = Field(description="at most so many of one host were kept; 0: all")
    inputs: list[InputFile] = Field(description="what was read")
    samples: list[Sample] = Field(description="of what was passed by in the run; a removal does not change them")
    pii: dict[str, int] = Field(
        description="places masked in texts and titles, by kind, in the run; a removal does not change it"
    )
    policies: dict[str, int] = Field(
        description="documents written by what their page says of its use: noai, noindex, ..."
    )
    funnel: Funnel = Field(description="of this source")
    written: Counts = Field(description="in the release, all splits")


class TokenizerEntry(Closed):
    """The fingerprint of a tokenizer: counts by another one do not compare, and its ids are other ids."""

    key: str = Field(description="names the column n_tok_<key>")
    kind: Literal["tiktoken", "tokenizer.json", "sentencepiece"] = Field(description="what its file is")
    sha256: str = Field(description="of its file")
    pattern: str = Field(description="how text is split before the merges, where the file does not say it (tiktoken)")
    vocabulary: int = Field(description="entries; every id is below it")
    library: str = Field(description="package and version that counted")
    bos_eos: Literal["none"] = Field(description="policy: no BOS or EOS is added or counted")
    specials: Literal["text"] = Field(description="policy: a special token that stands in a text counts as plain text")
    characters_per_token: float = Field(description="over the whole release")


class SplitEntry(Closed):
    """A part of the release to train on, or to hold out."""

    name: str = Field(description="train, validation or test; the column `split`")
    share: float = Field(description="of dedup components that the recipe asks for; what is left goes to train")
    written: Counts = Field(description="in this split")


class HostsEntry(Closed):
    """The table of hosts: a Parquet file beside the manifest, hosts with the most kept tokens first."""

    path: str = Field(description="relative to the manifest")
    hosts: int = Field(description="rows, one a source and host")
    bytes: int = Field(description="of the file")
    sha256: str = Field(description="of the file")


class Removal(Closed):
    """What was removed on request. Neither text nor URL is kept; removals.jsonl has hashes of URLs, ids and hosts, to keep it out."""

    ticket: str = Field(description="who asked, in the words of the operator")
    documents: int = Field(description="that were in the release, or would be")


class Manifest(Closed):
    """What a release is: where it comes from, how it was made, what is in it."""

    format_version: Literal["2"] = Field(description="of this file and of shards.jsonl")
    id: str = Field(description="sha256 of the canonical JSON of this manifest without `id`: pin it in training logs")
    parent_id: str = Field(description="id of the release that this one was made from by removing documents; else ''")
    name: str = Field(description="of the recipe")
    seimai: str = Field(description="version of the program")
    code: str = Field(description="sha256 of the program's source")
    recipe: str = Field(
        description="sha256 of what the recipe asks for; places, network and workers are not part of it"
    )
    base_url: str = Field(
        description="where the files are published; '' = beside the manifest. Readers may override it"
    )
    stages: dict[str, list[str]] = Field(description="stage -> fingerprints: parameters, models, library versions")
    bounds: dict[str, list[float | None]] = Field(description="filter code -> [at_least, at_most], inclusive")
    because: dict[str, str] = Field(description="why a bound differs from the filter's own")
    columns: dict[str, str] = Field(description="column -> Arrow type")
    tokenizers: list[TokenizerEntry] = Field(description="the first is the unit of the funnel")
    sources: list[SourceEntry] = Field(description="in the order in which they win over each other")
    splits: list[SplitEntry] = Field(
        description="train first; by dedup component, so no two documents that were suspected to be alike are in different splits"
    )
    funnel: Funnel = Field(description="of all sources")
    polishing_ratio: float = Field(description="精米歩合: characters written / characters extracted")
    dedup: Dedup = Field(description="of this run")
    removals: list[Removal] = Field(description="on request, by ticket")
    hosts: HostsEntry = Field(description="the table of hosts of the run")
    new: New | None = Field(description="of this run; null where the recipe has no dedup.against")
    templates: Templates | None = Field(description="null where the recipe has no [template_lines]")
    repeat: dict[str, int] | None = Field(
        default=None,
        exclude_if=absent,
        description="cluster size -> how often trainers should see a document of train from there on, below the first once; "
        "the column `repeat`. Only where the recipe has [repeat]",
    )
    shards_sha256: str = Field(description="sha256 of shards.jsonl")
    shards: Counts = Field(description="sums over shards.jsonl")

    def sealed(self) -> Manifest:
        return self.model_copy(update={"id": self.content_id()})

    def content_id(self) -> str:
        return hashlib.sha256(canonical(self.model_dump(exclude={"id"}))).hexdigest()


def dump(model: BaseModel) -> bytes:
    """As it is written, once it has been validated: a copy with changed fields was not."""
    model = type(model).model_validate(model.model_dump())
    return (json.dumps(model.model_dump(), ensure_ascii=False, indent=2) + "\n").encode()


def shelf(release: Place) -> Store:
    """The store of a release, told by its folder or prefix, or by its manifest.json."""
    return _named(release)[0]


def _named(release: Place) -> tuple[Store, str]:
    """The store and the name of the manifest in it."""
    whole = release.is_dir() if isinstance(release, Path) else release.suffix != ".json"
    return (open_store(release), "manifest.json") if whole else (open_store(release.parent), release.name)


def read(release: Place) -> tuple[Manifest, list[ShardEntry]]:
    """The manifest and the shards of a release folder (or of its manifest.json). Errors name what is wrong where."""
    store, name = _named(release)
    place, content = store.path(name), store.read(name)
    if content is None:
        raise UsageError(f"{place}: no manifest here; give the release folder of a finished run")
    if not name.endswith(".json"):
        raise UsageError(
            f"{place}: not a release; give the release folder of a finished run, or the manifest.json in it"
        )
    _check_version(place, content)
    return _parse(Manifest, place, content), read_shards(store)


def load(release: Place) -> tuple[Manifest, list[ShardEntry]]:
    """Like `read`, but refuses a manifest or list of shards that was edited: for all that builds on a release."""
    manifest, entries = read(release)
    store = shelf(release)
    for problem in edited(manifest, store):
        raise ShortError(f"{store.place}: {problem}; run the recipe again to re-create the release")
    return manifest, entries


def edited(manifest: Manifest, store: Store) -> Iterator[str]:
    """What of the manifest and of shards.jsonl is not as it was sealed."""
    if store.list(".removal"):
        yield "a removal was broken off; `seimai remove` finishes it when it is run again"
    if manifest.id != manifest.content_id():
        yield f"manifest.json: its id is {manifest.id[:16]}… but its content hashes to {manifest.content_id()[:16]}…"
    sha256 = hashlib.sha256(store.read("shards.jsonl") or b"").hexdigest()
    if sha256 != manifest.shards_sha256:
        yield f"shards.jsonl: sha256 is {sha256[:16]}…, the manifest says {manifest.shards_sha256[:16]}…"


def _check_version(file: str, content: bytes) -> None:
    try:
        version = json.loads(content).get("format_version")
    except (ValueError, AttributeError, RecursionError):
        return  # `_parse` tells what it is instead
    if version != FORMAT:
        told = "no format version" if version is None else f"format version {version!r}"
        raise ShortError(
            f"{file}: {told}, this program reads {FORMAT!r}; use the Seimai that wrote it, or run the recipe again"
        )


def read_shards(store: Store) -> list[ShardEntry]:
    content, place = store.read("shards.jsonl"), store.path("shards.jsonl")
    if content is None:
        raise ShortError(f"{place}: missing; run the recipe again to re-create the release")
    return [_parse(ShardEntry, place, line) for line in content.splitlines()]


def _parse(model: type[Model], file: str, content: bytes) -> Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ShortError(f"{file}: not a valid {model.__name__} (format {FORMAT}): {place}: {first['msg']}") from None


def schema() -> dict[str, Any]:
    """JSON Schema of manifest.json, with that of a line of shards.jsonl under $defs/ShardEntry."""
    described = Manifest.model_json_schema()
    described["$defs"]["ShardEntry"] = ShardEntry.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}
