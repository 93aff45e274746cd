"""What the driver of a run in a bucket keeps on its own disk: hashes of its input files, and selections in the making.

    <cache>/seimai/<of the address>/sources.json, selections/

Finished selections are put into the bucket, where every worker reads its part and the next driver finds them all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from pipeline.store.places import Place
from pipeline.store.store import Store

SELECTIONS = "selections"


def near(work: Place) -> Path:
    """The folder of the driver: the work itself where that is a folder. XDG_CACHE_HOME moves it."""
    if isinstance(work, Path):
        return work
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "seimai" / hashlib.sha256(str(work).encode()).hexdigest()[:16]


def bring_selections(store: Store, folder: Path) -> None:
    """Fetch what `folder` lacks of the finished selections in the store."""
    for entry in store.entries(SELECTIONS):
        target = folder / entry.name
        if target.exists() and target.stat().st_size == entry.bytes:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        with store.open(entry.name) as content, draft.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        os.replace(draft, target)


def keep_selections(store: Store, folder: Path) -> None:
    """Put what the store lacks of them; a list of parts only after its parts."""
    there = {entry.name: entry.bytes for entry in store.entries(SELECTIONS)}
    files = [file for file in (folder / SELECTIONS).glob("*") if file.suffix in (".parquet", ".json")]
    for file in sorted(files, key=lambda file: (file.suffix == ".json", file.name)):
        name = f"{SELECTIONS}/{file.name}"
        if there.get(name) != file.stat().st_size:
            with store.scratch() as scratch:  # `put` moves what it is given
                shutil.copyfile(file, scratch / file.name)
                store.put(scratch / file.name, name)
