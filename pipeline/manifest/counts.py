"""Parts of the manifest that count: how much text, and what became of every record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field

from stages.release.shards import WEIGHTED


def absent(value: object) -> bool:
    """Of a field that stands only in manifests of releases that have what it tells: others keep their ids."""
    return value is None


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Size(Closed):
    """How much text."""

    documents: int = Field(description="rows")
    characters: int = Field(description="Unicode code points")
    tokens: int = Field(description="by the first tokenizer of the manifest")


class Weighted(Closed):
    """How much text trainers see: each document as often as its column `repeat` says."""

    documents: int = Field(description="sum of `repeat`")
    characters: int = Field(description="sum of `repeat` x characters")
    tokens: dict[str, int] = Field(description="tokenizer key -> sum of `repeat` x n_tok_<key>")

    @classmethod
    def told(cls, counters: Mapping[str, int], keys: Iterable[str]) -> Weighted | None:
        """From what `stages.release.shards.tally` counts; None of rows without the column."""
        if f"{WEIGHTED}documents" not in counters:
            return None
        return cls(
            documents=counters[f"{WEIGHTED}documents"],
            characters=counters[f"{WEIGHTED}characters"],
            tokens={key: counters[f"{WEIGHTED}tokens.{key}"] for key in keys},
        )

    @classmethod
    def of(cls, each: Iterable[Weighted], keys: Iterable[str]) -> Weighted:
        listed = list(each)
        return cls(
            documents=sum(one.documents for one in listed),
            characters=sum(one.characters for one in listed),
            tokens={key: sum(one.tokens[key] for one in listed) for key in keys},
        )


class Counts(Closed):
    """How much text, in the tokens of every tokenizer; characters per token beside them, as tokens do not compare."""

    documents: int = Field(description="rows")
    characters: int = Field(description="Unicode code points")
    tokens: dict[str, int] = Field(description="tokenizer key -> tokens, no BOS or EOS counted")
    characters_per_token: dict[str, float] = Field(description="tokenizer key -> characters / tokens")
    weighted: Weighted | None = Field(
        default=None, exclude_if=absent, description="the same as trainers see it; only where the rows have `repeat`"
    )

    @classmethod
    def of(cls, entries: Iterable[ShardEntry], keys: Iterable[str]) -> Counts:
        listed, keys = list(entries), list(keys)
        weighted = [entry.weighted for entry in listed if entry.weighted is not None]
        characters = sum(entry.characters for entry in listed)
        tokens = {key: sum(entry.tokens[key] for entry in listed) for key in keys}
        return cls(
            documents=sum(entry.rows for entry in listed),
            characters=characters,
            tokens=tokens,
            characters_per_token={key: ratio(characters, n) for key, n in tokens.items()},
            weighted=Weighted.of(weighted, keys) if weighted else None,
        )


class Funnel(Closed):
    """Where every record went: each count is a sum over the commit markers of the run."""

    records: int = Field(description="what was read: response records (WARC), pages (dumps), rows or works")
    passed: dict[str, int] = Field(description="never rows: not HTML, not status 200, no Japanese in the bytes")
    quarantined: int = Field(description="records that could not be processed; each stands in a quarantine file")
    lost: dict[str, int] = Field(
        description="the quarantined by cause: damage, raised, crash, memory, deadline; the last two may depend on the machine"
    )
    extracted: Size = Field(description="rows that extraction wrote, those it rejected itself (extract.*) included")
    rejected: dict[str, int] = Field(description="documents by the first rule that dropped them")
    judged: Size = Field(description="what all filters kept, in characters and tokens of the extracted text")
    duplicates: dict[str, int] = Field(
        description="documents dropped against a kept document, by level (dedup.url, dedup.exact, dedup.near), or against one of a corpus "
        "that the run was compared with (dedup.known)"
    )
    deduplicated: Size = Field(description="what was left, in characters and tokens of the extracted text")
    removed: dict[str, int] = Field(
        description="documents that are good and no copy and were left out all the same, by reason: cap.host, removed.request, "
        "cap.cluster, template.little-left"
    )
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
            ("deduplicated = removed + written", self.deduplicated.documents,
             sum(self.removed.values()) + self.written.documents),
        ]  # fmt: skip
        return [f"{law}: {left} != {right}" for law, left, right in laws if left != right]


class ShardEntry(Closed):
    """One line of shards.jsonl."""

    path: str = Field(description="relative to the manifest, or to its base_url")
    source: str = Field(description="all rows are of this source")
    split: str = Field(description="all rows are of this split")
    rows: int = Field(description="documents")
    row_groups: int = Field(description="of at most 8 MB uncompressed, or one document")
    bytes: int = Field(description="of the file")
    text_bytes: int = Field(description="UTF-8 bytes of the text column, uncompressed")
    characters: int = Field(description="code points of the text column")
    tokens: dict[str, int] = Field(description="tokenizer key -> sum of n_tok_<key>")
    weighted: Weighted | None = Field(
        default=None, exclude_if=absent, description="as trainers see it; only where the rows have `repeat`"
    )
    sha256: str = Field(description="of the file")


def ratio(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
