"""What of a work folder nothing needs any more: found first, removed only when asked, in an order that a kill cannot spoil.

    old fingerprints     a stage with parameters, models or code that none of the given recipes has
    unreferenced files   put by attempts that were killed before their marker
    superseded sets      `STAGE` files whose markers all stand in a newer one
    scratch              of processes that are gone
    runs                 the records of runs, by option

Nothing younger than the grace period goes, by the clock of the store: what a run writes now has no marker yet. While a run may
be under way no fingerprint goes, for it may be of a recipe that was not given.
"""

from __future__ import annotations

import json
import platform
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.commit import sets
from pipeline.commit.commit import DAMAGE, Committed, stage_fingerprint
from pipeline.engine.plan import Plan
from pipeline.errors import ShortError
from pipeline.recipe.recipe import Recipe
from pipeline.release.release import every_stage
from pipeline.store.processes import process_is_gone
from pipeline.store.store import Entry, Store
from pipeline.tasks.claims import PATIENCE

QUIET = 24 * 3600.0  # seconds without a sign from an unfinished run until it is taken for dead, if it cannot be asked
_FINGERPRINT = re.compile(r"stages/([^/]+)/([0-9a-f]{24})/(.+)")
_PART = re.compile(r"(?:data|quarantine)/([0-9a-f]{24})[-.]")
# Within a fingerprint: what says that something is there, before what is there; the description last.
_ORDER = ("STAGE-", "commit/", "quarantine/", "data/", "spec.json")


@dataclass(frozen=True)
class Garbage:
    """Files that go for one reason, in the order in which they go."""

    what: str
    why: str
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Found:
    garbage: tuple[Garbage, ...]
    notes: tuple[str, ...]  # what stays although it might go, and why


def find(store: Store, recipes: Sequence[Recipe], grace: float, runs: float | None = None) -> Found:
    """Look through the store. `grace`, `runs`: seconds; the records of runs go only where `runs` says how old."""
    now = _now(store)
    needed = {(stage.key, stage_fingerprint(stage)) for recipe in recipes for stage in every_stage(Plan(recipe, ()))}
    live, dead = _runs(store, now)
    live += [e.name for e in store.entries("leases") if now - e.modified < 2 * PATIENCE]
    notes = [] if recipes else ["no recipe was given, so all fingerprints stay: seimai gc RECIPE [RECIPE ...]"]
    if recipes and live:
        notes.append(f"a run seems to be under way ({', '.join(live)}), so all fingerprints stay until it has ended")
    garbage: list[Garbage] = []
    for (key, stage_fp), files in _fingerprints(store).items():
        what = f"stages/{key}/{stage_fp}"
        if recipes and not live and (key, stage_fp) not in needed:
            if _old(files, now, grace):
                garbage.append(Garbage(what, "no given recipe has this fingerprint", tuple(sorted(files, key=_turn))))
            continue
        garbage += _within(store, what, files, now, grace)
    scratch: dict[str, list[Entry]] = defaultdict(list)
    for entry in store.entries("scratch"):
        scratch["/".join(entry.name.split("/")[:2])].append(entry)
    for name, files in scratch.items():
        gone = process_is_gone(name.split("/")[1])
        if gone or (gone is None and _old(files, now, max(grace, QUIET))):
            garbage.append(Garbage(name, "its process is gone", tuple(files)))
    for folder in ("claims", "leases"):
        if left := tuple(e for e in store.entries(folder) if _old([e], now, max(grace, QUIET))):
            garbage.append(Garbage(folder, "left by runs that are gone", left))
    if runs is not None:
        for id, files in dead.items():
            if _old(files, now, max(runs, 0.0)):
                garbage.append(Garbage(f"runs/{id}", "the record of an old run", tuple(files)))
    return Found(tuple(garbage), tuple(notes))


def remove(store: Store, garbage: Sequence[Garbage]) -> Iterator[Garbage]:
    """Remove it, and yield each when it is gone."""
    for each in garbage:
        for file in each.files:
            store.remove(file.name)
        yield each


def _within(store: Store, what: str, files: Sequence[Entry], now: float, grace: float) -> Iterator[Garbage]:
    """Files of a fingerprint that stays which nothing in it refers to."""
    sets = {e.name: _parts_of_set(store, e.name) for e in files if "/STAGE-" in e.name}
    commits = {e.name.rsplit("/", 1)[1].removesuffix(".json") for e in files if "/commit/" in e.name}
    outgrown = tuple(
        e
        for e in files
        if e.name in sets
        and _old([e], now, grace)
        and any(sets[e.name] < other or (sets[e.name] == other and e.name > name) for name, other in sets.items())
    )
    if outgrown:
        yield Garbage(what, "sets of partitions that a larger one has taken the place of", outgrown)
    stays = set().union(*sets.values()) if sets else set()
    loose = []
    referred: dict[str, set[str]] = {}
    for entry in files:
        part = _PART.match(entry.name.removeprefix(f"{what}/"))
        if part is None or not _old([entry], now, grace):
            continue
        if part[1] in commits:
            if part[1] not in referred:
                referred[part[1]] = _files_of(store, f"{what}/commit/{part[1]}.json")
            if entry.name in referred[part[1]]:
                continue
        elif part[1] in stays:
            continue  # its marker was deleted by hand, and a set still has it
        loose.append(entry)
    if loose:
        yield Garbage(what, "no marker refers to it", tuple(loose))


def _parts_of_set(store: Store, name: str) -> set[str]:
    """The partitions in a `STAGE` file; a damaged one has none, and reading goes on by the markers themselves."""
    try:
        return {marker["part_fp"] for marker in sets.markers(name, store.read(name) or b"")}
    except DAMAGE:
        return set()


def _files_of(store: Store, name: str) -> set[str]:
    """The files that a marker refers to. ShortError where it cannot be read: nothing is removed on a guess."""
    content = store.read(name)
    try:
        marker = Committed.unseal(content or b"")
        files = [*marker.outputs.values(), *([marker.quarantine] if marker.quarantine else [])]
        return {file["path"] for file in files}
    except DAMAGE:
        raise ShortError(f"{store.path(name)}: damaged; delete it and run the recipe again, then clean up") from None


def _fingerprints(store: Store) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in store.entries("stages"):
        if match := _FINGERPRINT.fullmatch(entry.name):
            found[match[1], match[2]].append(entry)
    return found


def _turn(entry: Entry) -> tuple[int, str]:
    match = _FINGERPRINT.fullmatch(entry.name)
    assert match is not None
    return next((i for i, start in enumerate(_ORDER) if match[3].startswith(start)), len(_ORDER)), entry.name


def _runs(store: Store, now: float) -> tuple[list[str], dict[str, list[Entry]]]:
    """Runs that may be under way, and the files of all others."""
    files: dict[str, list[Entry]] = defaultdict(list)
    for entry in store.entries("runs"):
        files[entry.name.split("/")[1]].append(entry)
    live = [id for id, entries in files.items() if _under_way(store, id, entries, now)]
    return live, {id: entries for id, entries in files.items() if id not in live}


def _under_way(store: Store, id: str, files: Sequence[Entry], now: float) -> bool:
    if _old(files, now, QUIET):
        return False
    events = _events(store.read(f"runs/{id}/events.jsonl") or b"")
    if any(event.get("event") == "end" for event in events):
        return False
    here = any(event.get("host") == platform.node() for event in events)
    return not (here and process_is_gone(f"{id.rpartition('-')[2]}", here=True))


def _events(content: bytes) -> list[dict[str, object]]:
    """Lines of a record; one that a kill has cut off says nothing."""
    found = []
    for line in content.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def _old(files: Sequence[Entry], now: float, age: float) -> bool:
    """Whether the youngest is older; one from the future (a clock was set back) is not."""
    return all(now - file.modified >= age for file in files)


def _now(store: Store) -> float:
    """The store's own clock: what it says of a file that is made now. Two machines need not agree on the time."""
    name = f"gc/{secrets.token_hex(8)}"
    store.create(name, b"")
    try:
        return next(entry.modified for entry in store.entries("gc") if entry.name == name)
    finally:
        store.remove(name)
