"""Chosen records of a recipe's WARC sources, copied to a WARC file: for samples and for reports of faults."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.acquire.bring import brought
from pipeline.engine.sources import partitions
from pipeline.errors import UsageError
from pipeline.recipe.recipe import Recipe
from stages.base import document_id
from stages.hosts import canonical, host_of
from stages.warc.select import Selector
from stages.warc.warc import Record


@dataclass(frozen=True)
class Wish:
    """Which response records. An empty condition asks for nothing; a record must meet all that are not empty."""

    urls: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()  # and all hosts under them
    ids: frozenset[str] = frozenset()  # document ids, 32 hex digits
    one_in: int = 1
    limit: int | None = None

    def meets(self, record: Record) -> bool:
        host = host_of(record.url)
        return (
            (not self.urls or record.url in self.urls)
            and (not self.hosts or any(f".{host}".endswith(f".{canonical(wanted)}") for wanted in self.hosts))
            and (not self.ids or document_id(record.id).hex() in self.ids)
            and int.from_bytes(hashlib.blake2b(record.url.encode(), digest_size=8).digest()) % self.one_in == 0
        )


def select(recipe: Recipe, wish: Wish, output: Path) -> int:
    """Write the records in the order of the recipe's partitions; the file exists only when it is complete."""
    kinds = {source.name: source.kind for source in recipe.sources}
    parts = [part for part in partitions(recipe) if kinds[part.source] == "warc"]
    if not parts:
        raise UsageError(f"{recipe.path}: no source of kind 'warc' to select from")
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as out, tempfile.TemporaryDirectory() as scratch:
            selector = Selector(out, wish.meets, wish.limit)
            for part in parts:
                assert part.file is not None
                if part.fetch is None:
                    selector.copy(part.file.path)
                else:
                    file = brought(part.file, part.fetch, Path(scratch), None, head=False)
                    selector.copy(file.path)
                    os.unlink(file.path)
                if selector.full:
                    break
        if selector.records:  # a WARC file of zero bytes is none
            os.replace(draft, output)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return selector.records
