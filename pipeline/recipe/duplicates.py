"""What a recipe says of duplicates beyond the stages' own parameters: `[alarms]`, and options that several stages share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.recipe import checks
from pipeline.recipe.alarms import Alarms


def alarms(recipe: Mapping[str, Any], folder: Path, where: str) -> Alarms:
    """`[alarms]`; `wipeout` of `[stages.dedup]` is an older name of its `source_share`."""
    written = checks.table(recipe, "alarms", where)
    wipeout = _stage(recipe, "dedup", where).get("wipeout")
    if wipeout is not None:
        if "source_share" in written:
            raise UsageError(f"{where} [stages.dedup] wipeout: said in [alarms] source_share already; leave it out")
        written = {"source_share": wipeout, **written}
    return Alarms(**checks.typed(Alarms, written, folder, f"{where} [alarms]"))


def stages(recipe: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`[stages]` with what is said of one stage for another: digits are masked for all that compare texts, or none."""
    found = dict(checks.table(recipe, "stages", where))
    dedup, minhash = dict(_stage(recipe, "dedup", where)), dict(_stage(recipe, "minhash", where))
    dedup.pop("wipeout", None)
    if "mask_digits" in dedup:
        masked = dedup.pop("mask_digits")
        if minhash.setdefault("mask_digits", masked) != masked:
            raise UsageError(f"{where} [stages.minhash] mask_digits: not as in [stages.dedup]; say it in one of them")
    if "addresses" in _stage(recipe, "bands", where):
        raise UsageError(f"{where} [stages.bands] addresses: follows from 'url' in [stages.dedup] levels; leave it out")
    for name, said in (("dedup", dedup), ("minhash", minhash)):
        if name in found or said:
            found[name] = said
    return found


def _stage(recipe: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    return checks.table(checks.table(recipe, "stages", where), name, where)
