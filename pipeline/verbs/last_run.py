"""The recipe that was run last, so that `seimai trace` needs no more than a URL; and that of each release, so that
`seimai verify` can name the command that makes it again."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.store.places import Place, is_address


def state_file() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "seimai" / "last-run"


def _of(release: Place) -> Path:
    """Where the run that made this release is noted."""
    name = hashlib.blake2b(_final(str(release)).encode(errors="surrogateescape"), digest_size=16).hexdigest()
    return state_file().parent / "releases" / name


def remember(options: argparse.Namespace, release: Place) -> None:
    """Note the recipe for `seimai trace`, and as that of its release; a home that cannot be written only costs that
    convenience."""
    places = [options.work or "", options.release or ""]
    said = "\n".join([os.path.abspath(options.recipe), *(p and _final(p) for p in places)])
    for file in (state_file(), _of(release)):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(said)
        except OSError as error:
            print(f"seimai: {file}: {error.strerror}; give --run to `seimai trace`", file=sys.stderr)
            return


def _final(place: str) -> str:
    return place if is_address(place) else os.path.abspath(place)


def recall(options: argparse.Namespace, of: Place | None = None) -> None:
    """Fill in the recipe and its places: of the last run, or of the one that made the release `of` where that is known."""
    file = state_file() if of is None or not _of(of).exists() else _of(of)
    try:
        recipe, work, release = file.read_text().split("\n")
    except (OSError, ValueError):
        raise UsageError("no run is remembered here; name the recipe: seimai trace TARGET --run RECIPE") from None
    options.recipe, options.work, options.release = (
        recipe,
        options.work or work or None,
        options.release or release or None,
    )
