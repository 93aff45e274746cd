"""The recipe that was run last, so that `seimai trace` needs no more than a URL."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.places import is_address


def state_file() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "seimai" / "last-run"


def remember(options: argparse.Namespace) -> None:
    """Note the recipe for `seimai trace`; a home that cannot be written only costs that convenience."""
    file = state_file()
    places = [options.work or "", options.release or ""]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([os.path.abspath(options.recipe), *(p and _final(p) for p in places)]))
    except OSError as error:
        print(f"seimai: {file}: {error.strerror}; give --run to `seimai trace`", file=sys.stderr)


def _final(place: str) -> str:
    return place if is_address(place) else os.path.abspath(place)


def recall(options: argparse.Namespace) -> None:
    try:
        recipe, work, release = state_file().read_text().split("\n")
    except (OSError, ValueError):
        raise UsageError("no run is remembered here; name the recipe: seimai trace TARGET --run RECIPE") from None
    options.recipe, options.work, options.release = (
        recipe,
        options.work or work or None,
        options.release or release or None,
    )
