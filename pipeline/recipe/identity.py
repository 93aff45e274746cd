"""What a release was made by: the program's source and what the recipe asks for, without places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pipeline.commit.commit import canonical
from pipeline.recipe.recipe import Recipe

_ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("filters", "stages", "pipeline")


@cache
def code_identity() -> str:
    """sha256 over the source files of the three packages, by name: another checkout of the same code has the same."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((_ROOT / package).rglob("*")):
            if file.suffix in (".py", ".toml"):
                digest.update(f"{file.relative_to(_ROOT).as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def recipe_identity(recipe: Recipe, fingerprints: Mapping[str, Iterable[str]]) -> str:
    """sha256 of what is asked for: the stages with all that affects their output, and what is said of the sources."""
    asked = {
        "name": recipe.name,
        "stages": {key: sorted(found) for key, found in fingerprints.items()},
        "sources": [
            [s.name, s.kind, s.license, s.attribution, s.terms, s.join, s.pass_through, s.share, s.tokens_per_host]
            for s in recipe.sources
        ],
        "bounds": [[bound.code, bound.at_least, bound.at_most] for bound in recipe.bounds],
        "because": dict(recipe.because),
        "splits": [list(split) for split in recipe.splits],
        "base_url": recipe.base_url,
    }
    return hashlib.sha256(canonical(asked)).hexdigest()
