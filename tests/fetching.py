"""What tests of fetching share: a content, short patience, and how they fetch."""

from __future__ import annotations

import random
from pathlib import Path

from pipeline.acquire.remote import (
    Network,
    Remote,
    download,
    look,
    read,
)
from pipeline.acquire.transfer import Patience
from pipeline.acquire.turns import NoTurns
from tests.servers import (
    Fault,
    Server,
)

CONTENT = random.Random(1).randbytes(300_000)
HTML = b"<html>Down for maintenance</html>"
NET = Network(contact="crawler@example.jp", attempts=3)
QUICK = Patience(connect=2.0, silence=0.3, window=0.3, first_wait=0.001, longest_wait=1.2)
LAST_MODIFIED = "Tue, 10 Dec 2024 12:00:00 GMT"


def looked(url: str) -> Remote:
    return look(url, NET, NoTurns(), patience=QUICK)


def fetched(
    server: Server, folder: Path, *faults: Fault | None, content: bytes = CONTENT, limit: int | None = None
) -> bytes:
    """Look at the content, then download it through `faults`."""
    remote = looked(server.put("/a.warc.gz", content))
    server.faults.extend(faults)
    file = folder / "a.warc.gz"
    try:
        download(remote, file, NET, NoTurns(), limit=limit, patience=QUICK)
    finally:
        assert list(folder.iterdir()) in ([], [file])
    return file.read_bytes()


def some(server: Server, start: int, length: int, *faults: Fault | None) -> bytes:
    server.faults.extend(faults)
    return read(server.put("/a.warc.gz", CONTENT), start, length, NET, NoTurns(), patience=QUICK)
