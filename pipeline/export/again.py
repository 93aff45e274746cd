"""Exports made again as they were asked for, from a release that has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.export import RECORD, Release, croissant, hf, megatron, outdated, recorded
from pipeline.manifest.manifest import Manifest


def refresh(release: Release, out: Path, workers: int = 0) -> list[str]:
    """Make every export in `out` again. Returns what was done."""
    lines: list[str] = []
    for to, said in sorted(recorded(out).items()):
        asked = said["asked"]
        if to == "hf":
            lines += hf.export(release, out)
        elif to == "croissant":
            lines += croissant.export(release, out, asked["base_url"])
        else:
            lines += megatron.export(release, out, megatron.Options(**asked, workers=workers))
    return lines


def within(folder: Path, manifest: Manifest) -> Iterator[Path]:
    """Folders in that of a release, and itself, that hold an export of another state of it."""
    for place, _, names in sorted(os.walk(folder)):
        if RECORD in names and outdated(Path(place), manifest):
            yield Path(place)
