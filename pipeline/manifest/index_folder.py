"""An index in a folder of its own: what later crawls are compared with when the texts are no longer there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipeline.commit.commit import digest
from pipeline.errors import ShortError, UsageError
from pipeline.manifest.counts import Closed
from pipeline.manifest.manifest import dump
from pipeline.manifest.shelve import copy_all
from pipeline.store.folder import LocalStore
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef
from stages.indexes.index import Index

FILE = "index.json"


class Part(Closed):
    """One Parquet file of an index."""

    path: str = Field(description="relative to index.json")
    sha256: str = Field(description="of the file")
    bytes: int = Field(description="of the file")
    rows: int = Field(description="documents, or keys")


class Indexed(Closed):
    """What was made of one file of texts."""

    source: str = Field(description="identity of that file: its sha256")
    documents: Part = Field(description="a row a document: id, reference, exact hash, compact signature")
    keys: Part = Field(description="what leads to them, sorted")
    left_out: int = Field(description="rows without a text, or that could not be read")


class IndexFolder(Closed):
    """index.json, written last."""

    format_version: Literal["1"] = Field(description="of this file")
    name: str = Field(description="what the recipe called it")
    signing: dict[str, Any] = Field(
        description="what its keys and signatures are made with: it must be the same to compare"
    )
    files: list[Indexed] = Field(description="by source")


def is_index(place: str) -> bool:
    return (Path(place) / FILE).exists()


def read(folder: Path) -> IndexFolder:
    """ShortError when it is damaged or of another format."""
    try:
        return IndexFolder.model_validate_json((folder / FILE).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    except OSError as error:
        told = str(error.strerror)
    raise ShortError(f"{folder / FILE}: not a valid index: {told}; make it again: seimai index")


def parts(folder: Path, name: str, stage: Index, where: str) -> Iterator[PartRef]:
    """The files of an index under a name of the recipe's. UsageError when they are of no use to `stage`."""
    index = read(folder)
    own = stage.signing
    if other := [
        f"{key} = {index.signing.get(key)} and not {own[key]}" for key in own if index.signing.get(key) != own[key]
    ]:
        raise UsageError(
            f"{where}: {folder} was made with {', '.join(other)}: make it again with this recipe (seimai index), or set "
            "[stages.minhash] and [stages.bands] as they were"
        )
    for file in index.files:
        outputs = {"index": _output(folder, file.documents, file.left_out), "index-keys": _output(folder, file.keys)}
        yield PartRef(part_id(name, file.source), name, -1, None, outputs)


def part_id(name: str, source: str) -> str:
    """The same for a file of texts and for its index: that the texts are gone makes nothing run again."""
    return digest(["against", name, source])


def _output(folder: Path, part: Part, left_out: int = 0) -> dict[str, Any]:
    file = folder / part.path
    found = file.stat().st_size if file.exists() else None
    if found != part.bytes:
        raise ShortError(
            f"{file}: {'missing' if found is None else f'{found} bytes'}, {FILE} says {part.bytes} bytes; make it again: seimai index"
        )
    return {
        "path": os.path.abspath(file),
        "sha256": part.sha256,
        "bytes": part.bytes,
        "rows": part.rows,
        "left_out": left_out,
    }


def write(
    folder: Path, name: str, stage: Index, sources: Mapping[str, str], indexes: Sequence[PartRef], store: Store
) -> IndexFolder:
    """Copy committed indexes into a folder. `sources`: id of a part -> identity of the file that it was made from."""
    target = LocalStore(folder)
    target.check("output")
    files = []
    for part in sorted(indexes, key=lambda part: sources[part.id]):
        copied = {}
        for what, key in (("documents", "index"), ("keys", "index-keys")):
            output = part.outputs[key]
            path = f"{what}-{output['sha256'][:16]}.parquet"
            copy_all(store, target, [(output["path"], path, output["sha256"])])
            copied[what] = Part(path=path, sha256=output["sha256"], bytes=output["bytes"], rows=output["rows"])
        files.append(Indexed(source=sources[part.id], left_out=part.outputs["index"]["left_out"], **copied))
    index = IndexFolder(format_version="1", name=name, signing=json.loads(json.dumps(stage.signing)), files=files)
    target.replace(FILE, dump(index))
    return index
