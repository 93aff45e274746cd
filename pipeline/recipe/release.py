"""What a recipe says of the release: `[tokenizers]`, `[splits]` and the further keys of `[output]`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filters import FILTERS
from pipeline.acquire.remote import is_remote
from pipeline.errors import UsageError
from pipeline.recipe import checks
from pipeline.store.places import Place
from stages.measure.vocabulary import BUILT_IN, Named
from stages.release.left_out import REMOVALS
from stages.release.splits import HELD_OUT, Shares


def tokenizers(table: Mapping[str, Any], folder: Path, where: str) -> tuple[Named, ...]:
    """`key = "file"` or `key = { file = …, pattern = … }`; the first is the unit of the funnel."""
    where = f"{where} [tokenizers]"
    found = []
    for key, value in table.items():
        here = f"{where} {key}"
        said = {"file": value} if isinstance(value, str) else value
        if not isinstance(said, dict):
            raise UsageError(f'{here}: a file, or {{ file = "…", pattern = "…" }}')
        checks.closed(said, ("file", "pattern"), here)
        file = checks.text(said, "file", here)
        pattern = checks.text(said, "pattern", here) if "pattern" in said else ""
        try:
            found.append(Named(key, file if file == BUILT_IN else str(checks.resolve(folder, file)), pattern))
        except ValueError as error:
            raise UsageError(f"{here}: {error}") from None
    return tuple(found) or (Named(),)


def splits(table: Mapping[str, Any], where: str) -> Shares:
    where = f"{where} [splits]"
    checks.closed(table, HELD_OUT, where)
    shares = tuple((name, checks.number(table[name], f"{where} {name}")) for name in HELD_OUT if name in table)
    for name, share in shares:
        if not 0 < share < 1:
            raise UsageError(f"{where}: {name} = {share:g}: a share of the documents, over 0 and under 1")
    if sum(share for _, share in shares) >= 1:
        raise UsageError(f"{where}: nothing is left to train on; the shares must sum to less than 1")
    return shares


def values(table: Mapping[str, Any], own: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Codes of measures that become columns."""
    if "values" not in table:
        return ()
    codes = checks.texts(table, "values", where, "codes of filters, e.g. values = ['JA101']")
    known = (*FILTERS, *own)
    for code in codes:
        if code not in known:
            raise UsageError(f"{where} values: no measure {code!r}{checks.nearest(code, known)}; see `seimai filters`")
    return tuple(dict.fromkeys(codes))


def base_url(table: Mapping[str, Any], where: str) -> str:
    url = checks.text(table, "base_url", where) if "base_url" in table else ""
    if url and not is_remote(url):
        raise UsageError(f"{where} base_url: {url!r} is no address; where the release will be published, https://…/")
    return url if not url or url.endswith("/") else f"{url}/"


def deny(table: Mapping[str, Any], folder: Path, own: tuple[Place, Place], where: str) -> tuple[str, ...]:
    """Lists of removals: those that the recipe names, and those of the release and the work folder (`own`).

    One in a bucket is refused by `session.prepare`, which is where buckets are asked.
    """
    named = checks.texts(table, "deny", where, f"paths of {REMOVALS}") if "deny" in table else []
    files = [str(checks.resolve(folder, file)) for file in named]
    for file in files:
        if not Path(file).is_file():
            raise UsageError(f"{where} deny: {file}: no such file; give the {REMOVALS} of a release")
    there = [place / REMOVALS for place in own]
    return tuple(dict.fromkeys([*files, *(str(file) for file in there if isinstance(file, Path) and file.is_file())]))
