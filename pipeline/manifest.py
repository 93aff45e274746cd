"""The manifest: the one file a trainer reads. Nothing in it differs between two runs of the same thing.

`manifest.json` (small) says what there is; `shards.jsonl` has a line a shard. Both are validated on write and on load;
the JSON Schema of both is generated into `manifests/` (`python -m pipeline.manifest` writes it).
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.commit import canonical
from pipeline.errors import ShortError, UsageError

FORMAT = "1"
Model = TypeVar("Model", bound=BaseModel)
SCHEMA = Path(__file__).resolve().parent.parent / "manifests" / "manifest.schema.json"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Size(Closed):
    """How much text. Tokens are by the tokenizer of the manifest."""

    documents: int
    characters: int = Field(description="Unicode code points")
    tokens: int


class Funnel(Closed):
    """Where every record went: each count is a sum over the commit markers of the run."""

    records: int = Field(description="response records (WARC) and pages (dumps) read")
    passed: dict[str, int] = Field(description="never rows: not HTML, not status 200, no Japanese in the bytes")
    quarantined: int = Field(description="records that could not be processed; each stands in a quarantine file")
    lost: dict[str, int] = Field(
        description="the quarantined by cause: damage, raised, crash, memory, deadline; the last two may depend on the machine"
    )
    extracted: Size = Field(description="rows that extraction wrote, those it rejected itself (extract.*) included")
    rejected: dict[str, int] = Field(description="documents by the first rule that dropped them")
    judged: Size = Field(description="what all filters kept, in characters and tokens of the extracted text")
    duplicates: dict[str, int] = Field(description="documents dropped against a kept document, by level")
    deduplicated: Size = Field(description="what was left, in characters and tokens of the extracted text")
    emptied: dict[str, int] = Field(description="documents that had too little text without their template lines")
    written: Size = Field(description="the release: edits applied, tokens counted anew")

    def broken_laws(self) -> list[str]:
        """The conservation laws that do not hold, in words; empty when nothing was lost."""
        laws = [
            ("quarantined = its causes", self.quarantined, sum(self.lost.values())),
            ("records = passed by + quarantined + extracted", self.records,
             sum(self.passed.values()) + self.quarantined + self.extracted.documents),
            ("extracted = rejected + judged", self.extracted.documents,
             sum(self.rejected.values()) + self.judged.documents),
            ("judged = duplicates + deduplicated", self.judged.documents,
             sum(self.duplicates.values()) + self.deduplicated.documents),
            ("deduplicated = emptied + written", self.deduplicated.documents,
             sum(self.emptied.values()) + self.written.documents),
        ]  # fmt: skip
        return [f"{law}: {left} != {right}" for law, left, right in laws if left != right]


class InputFile(Closed):
    name: str
    sha256: str = Field(description="of its bytes; of a fetched file, the digest of its published name or its ETag")
    bytes: int = Field(description="0 where the size was not asked for")


class Sample(Closed):
    """A deterministic sample of what was passed by, taken along to measure what is missed. It is in all counts."""

    of: Literal["gate", "index"] = Field(description="what had passed it by: the byte gate, or the index selection")
    one_in: int
    records: int = Field(description="records taken along")
    written: int = Field(description="of these in the release")
    recall: float | None = Field(
        description="estimated share of the release's kind of documents that were not passed by; null when nothing was written"
    )


class SourceEntry(Closed):
    name: str
    kind: str
    license: str = Field(description="of the recipe: SPDX expression or a text; '' when it does not say")
    licenses: dict[str, int] = Field(description="documents written by licence: their own, else that of the recipe")
    attribution: str
    terms: str = Field(description="URL of the terms of use")
    inputs: list[InputFile]
    samples: list[Sample]
    pii: dict[str, int] = Field(description="places masked in texts and titles, by kind")
    policies: dict[str, int] = Field(
        description="documents written by what their page says of its use: noai, noindex, ..."
    )
    funnel: Funnel


class TokenizerEntry(Closed):
    key: str = Field(description="names the column n_tok_<key>")
    sha256: str
    vocabulary: int
    bos_eos: Literal["none"] = Field(description="no BOS or EOS is counted")
    characters_per_token: float


class ShardEntry(Closed):
    """One line of shards.jsonl."""

    path: str = Field(description="relative to the manifest")
    source: str
    rows: int
    row_groups: int
    bytes: int
    text_bytes: int = Field(description="UTF-8 bytes of the text column, uncompressed")
    characters: int
    tokens: int
    sha256: str


class Bucket(Closed):
    """A band key that many documents of a huge component share: most often a template."""

    key: str
    documents: int
    example: str = Field(description="URL of one of them")


class Dedup(Closed):
    levels: list[str]
    similarity: float
    bands: int
    band_rows: int
    catch: dict[str, float] = Field(description="Jaccard similarity -> share of such pairs that share a band")
    counters: dict[str, int]
    components: dict[str, int] = Field(
        description="documents suspected together: size from (a power of two) -> how many; 1 = suspected with no other"
    )
    clusters: dict[str, int] = Field(description="documents that one kept document stands for: the same")
    buckets: list[Bucket]
    alarms: list[str] = Field(description="what the bounds of [alarms] found unusual")


class HostSize(Closed):
    host: str
    documents: int
    characters: int
    known: int = Field(description="documents of this host that an index knows")


class New(Closed):
    """What this run adds to the corpora that it was compared with; all that is written is new."""

    against: dict[str, int] = Field(description="corpus -> documents in its index")
    similarity: float
    errors: float = Field(description="standard errors above `similarity` from which a document counts as known")
    documents: int
    characters: int
    known: int = Field(description="documents that an index knows: left out")
    known_characters: int
    known_exactly: int = Field(description="of these, documents with the dedup key of one in an index")
    hosts: int = Field(description="hosts with new documents")
    most: list[HostSize] = Field(description="the hosts that add most characters")


class Templates(Closed):
    """Lines that were left out because many documents of a host, or many hosts, have them."""

    rule: dict[str, int | float | bool]
    of_hosts: int = Field(description="lines that are a template of one host, for each such host")
    of_all: int = Field(description="lines that are a template everywhere")
    documents: int = Field(description="written documents that lost a line")
    lines: int = Field(description="lines that they lost")
    characters: int = Field(description="characters that they lost, line feeds included")


class Manifest(Closed):
    format_version: Literal["1"]
    id: str = Field(description="sha256 of the canonical JSON of this manifest without `id`: pin it in training logs")
    name: str
    seimai: str = Field(description="version of the program")
    stages: dict[str, list[str]] = Field(description="stage -> fingerprints: parameters, models, library versions")
    bounds: dict[str, list[float | None]] = Field(description="filter code -> [at_least, at_most], inclusive")
    because: dict[str, str] = Field(description="why a bound differs from the filter's own")
    columns: dict[str, str] = Field(description="column -> Arrow type")
    tokenizers: list[TokenizerEntry]
    sources: list[SourceEntry]
    funnel: Funnel
    polishing_ratio: float = Field(description="精米歩合: characters written / characters extracted")
    dedup: Dedup
    new: New | None = Field(description="null where the recipe has no [[against]]")
    templates: Templates | None = Field(description="null where the recipe has no [template_lines]")
    shards_sha256: str = Field(description="sha256 of shards.jsonl")
    shards: Size = Field(description="sums over shards.jsonl")

    def sealed(self) -> Manifest:
        return self.model_copy(update={"id": self.content_id()})

    def content_id(self) -> str:
        return hashlib.sha256(canonical(self.model_dump(exclude={"id"}))).hexdigest()


def dump(model: BaseModel) -> bytes:
    return (json.dumps(model.model_dump(), ensure_ascii=False, indent=2) + "\n").encode()


def read(release: Path) -> tuple[Manifest, list[ShardEntry]]:
    """The manifest and the shards of a release folder (or of its manifest.json). Errors name what is wrong where."""
    file = release / "manifest.json" if release.is_dir() else release
    if not file.exists():
        raise UsageError(f"{file}: no manifest here; give the release folder of a finished run")
    return _parse(Manifest, file, file.read_bytes()), read_shards(file.with_name("shards.jsonl"))


def read_shards(file: Path) -> list[ShardEntry]:
    if not file.exists():
        raise ShortError(f"{file}: missing; run the recipe again to re-create the release")
    return [_parse(ShardEntry, file, line) for line in file.read_bytes().splitlines()]


def _parse(model: type[Model], file: Path, content: bytes) -> Model:
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


if __name__ == "__main__":
    text = json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"
    if "--check" in sys.argv:
        sys.exit(0 if SCHEMA.read_text() == text else f"{SCHEMA.name} is stale: run python -m pipeline.manifest")
    SCHEMA.write_text(text)
