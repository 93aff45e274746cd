"""Profiles: named sets of filters and bounds that a recipe starts from. One TOML file each, in this folder.

`about` and `about_ja` say what a profile is for; `select` and `ignore` name codes or their beginnings; `[bounds]` moves
bounds, each with its `because`; `cannot` states what an approximation of another project's filters does not reproduce.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Profile:
    name: str
    about: str
    about_ja: str
    select: tuple[str, ...] = ("JA",)
    ignore: tuple[str, ...] = ()
    bounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # code -> at_least, at_most, because
    cannot: tuple[str, ...] = ()


def names() -> tuple[str, ...]:
    """`default` first, then the others in order."""
    return tuple(sorted((file.stem for file in FOLDER.glob("*.toml")), key=lambda name: (name != "default", name)))


@lru_cache
def profile(name: str) -> Profile:
    """Raises KeyError if there is no such profile."""
    if name not in names():
        raise KeyError(name)
    with (FOLDER / f"{name}.toml").open("rb") as file:
        table = tomllib.load(file)
    lists: dict[str, Any] = {key: tuple(table.pop(key)) for key in ("select", "ignore", "cannot") if key in table}
    return Profile(name, **lists, **table)
