"""Parts of the manifest on duplicates: within the run, against what existed before, and lines that pages share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.manifest.counts import Closed


class Bucket(Closed):
    """A set of documents that share keys: copies of one text, or what has the same template."""

    documents: int = Field(description="under each of these keys")
    keys: list[str] = Field(description="'band 0' and so on, 'exact', 'url' (one address) or 'id' (one record)")
    example: str = Field(description="id of one of them")


class Alarm(Closed):
    """A bound of [alarms] that was passed."""

    kind: Literal["source", "host", "component", "keeper", "identical", "unsigned"] = Field(
        description="source, host: what it loses. component: documents suspected together. keeper: documents that go for one. "
        "identical: documents that have the text of another. unsigned: those too short for a signature"
    )
    name: str = Field(description="of the source or host, else ''")
    documents: int = Field(description="that were lost, or are so")
    of: int = Field(description="documents that took part, of the source or host or of all")
    bound: float = Field(description="a share of `of`; of a component, documents")
    example: str = Field(description="id of such a document; ''")
    keeper: str = Field(description="id of the document that it went for, or most of them; ''")


class Dedup(Closed):
    """How duplicates were found."""

    levels: list[str] = Field(description="url, exact, near: those that were on")
    similarity: float = Field(description="Jaccard similarity of character n-grams from which two documents are one")
    bands: int = Field(description="of each signature; a pair that shares one is compared")
    band_rows: int = Field(description="minima in a band")
    catch: dict[str, float] = Field(description="Jaccard similarity -> share of such pairs that share a band")
    components: dict[str, int] = Field(
        description="documents suspected together: least size, a power of two -> how many; those alone have 1"
    )
    clusters: dict[str, int] = Field(description="documents that one kept document stands for: the same")
    buckets: list[Bucket] = Field(description="the largest sets of documents that share keys, at most 10")
    alarms: list[Alarm] = Field(description="what was more than [alarms] of the recipe allows, and stopped nothing")
    counters: dict[str, int] = Field(description="what the stage counted besides")


class Indexed(Closed):
    """A corpus that this run was compared with, by its index."""

    name: str = Field(description="as the recipe calls it")
    sha256: str = Field(description="of the JSON list of the sha256 of its index files: which state of it")
    documents: int = Field(description="in its index")
    left_out: int = Field(description="rows without a text, or that could not be read")
    known: int = Field(description="documents of this run whose nearest match is in it")


class NewHost(Closed):
    """What one host adds."""

    host: str = Field(description="'' of documents without one")
    documents: int = Field(description="written")
    characters: int = Field(description="written")
    known: int = Field(description="documents of this host that an index knows")


class New(Closed):
    """What this run adds to the corpora that it was compared with: all that is written is new."""

    against: list[Indexed] = Field(description="the corpora")
    similarity: float = Field(description="Jaccard similarity of character n-grams from which two documents are one")
    errors: float = Field(description="standard errors above it from which a document counts as known")
    found: dict[str, float] = Field(
        description="Jaccard similarity -> share of such documents that are found, where all bins of both signatures are filled"
    )
    documents: int = Field(description="written by the run")
    characters: int = Field(description="written by the run")
    known: int = Field(description="documents that an index knows: left out")
    known_characters: int = Field(description="their characters")
    known_exactly: int = Field(description="of these, documents with the dedup key of one in an index")
    hosts: int = Field(description="hosts with new documents")
    most: list[NewHost] = Field(description="the hosts that add most characters")


class Templates(Closed):
    """Lines that were left out because many documents of a host, or many hosts, have them."""

    rule: dict[str, int | float | bool] = Field(description="as the recipe has it, defaults included")
    of_hosts: int = Field(description="lines that are a template of one host, for each such host")
    of_all: int = Field(description="lines that are a template everywhere")
    documents: int = Field(description="written documents that lost a line")
    lines: int = Field(description="lines that they lost")
    characters: int = Field(description="characters that they lost, line feeds included")
