"""A file of a run to which lines are added while it lasts: in a folder as they come, in a bucket every half minute."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import IO

from pipeline.errors import UnreachableError
from pipeline.store.opening import open_store
from pipeline.store.places import Address, Place

EVERY = 30.0  # seconds between two uploads: an object cannot grow, so each puts the whole again


class Journal:
    """Lines of `name` under a place. Whoever reads it while a run lasts sees whole lines."""

    def __init__(self, place: Place, name: str) -> None:
        self._place, self._name = place, name
        self._draft: IO[bytes] | None = None
        self._put = time.monotonic()
        if isinstance(place, Path):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
        else:
            self._draft = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`

    def write(self, line: str) -> None:
        content = (line + "\n").encode()
        if isinstance(self._place, Path):
            with (self._place / self._name).open("ab") as file:
                file.write(content)
            return
        assert self._draft is not None
        self._draft.write(content)
        if time.monotonic() - self._put >= EVERY:
            self._put = time.monotonic()
            try:
                self._upload(self._place)
            except UnreachableError:
                return  # a log must not end a run: the next upload has these lines too, and the last one must succeed

    def close(self) -> None:
        if self._draft is not None and isinstance(self._place, Address):
            self._upload(self._place)
            self._draft.close()
            self._draft = None

    def _upload(self, place: Address) -> None:
        assert self._draft is not None
        self._draft.seek(0)
        open_store(place).replace(self._name, self._draft.read())
