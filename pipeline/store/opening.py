"""The store at a place, whichever kind it is."""

from __future__ import annotations

from pathlib import Path

from pipeline.store.folder import LocalStore
from pipeline.store.places import Place, is_address, parse
from pipeline.store.store import Store


def open_store(place: Place | str) -> Store:
    """The store at a path or at s3://bucket/prefix. Nothing is asked of S3 yet."""
    if isinstance(place, Path) or (isinstance(place, str) and not is_address(place)):
        return LocalStore(place)
    from pipeline.store.s3 import S3Store  # its client is loaded by runs that need it

    return S3Store(parse(place) if isinstance(place, str) else place)
