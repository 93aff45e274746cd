"""The plan: recipe -> partitions -> stages with fingerprints, and what of it is committed already."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from filters import FAMILIES
from filters.page import Page
from filters.text import Text
from filters.words import Words
from pipeline.commit.commit import FINGERPRINT_DIGITS, Committed, folder, intact, load, stage_fingerprint, stage_spec
from pipeline.engine.survey import Survey as Survey
from pipeline.engine.survey import survey as survey
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.source import Source
from pipeline.store.store import Store
from pipeline.tasks.needs import TYPICAL_FETCH, needs_of
from pipeline.tasks.task import PartRef, Unit, part_fingerprint
from stages.base import MAIN, Stage
from stages.edits.edits import Edits
from stages.indexes.new_hosts import NewHosts
from stages.measure.judge import Bound, Judge, Verdict
from stages.measure.measure import Measure
from stages.release.host_table import HostTable
from stages.template_lines.counts import LineCounts
from stages.template_lines.masks import LineMasks
from stages.template_lines.template_lines import TemplateLines

# Partitions in one band run at most: runs stay few and large, and a new partition rewrites one of them.
GROUP = 64
_DIGEST = re.compile(r"[0-9a-f]{32,}")


@dataclass(frozen=True)
class Plan:
    """What a recipe means: the stages, and the partitions they run over in canonical order."""

    recipe: Recipe
    parts: tuple[PartRef, ...]
    sample: int = 0  # documents a source; 0 = all of them
    ignore_alarms: bool = False
    against: tuple[PartRef, ...] = ()  # files of the corpora that the recipe is compared with

    @cached_property
    def chains(self) -> Mapping[str, tuple[Stage, ...]]:
        """Source -> the stages up to the first barrier, in the order in which they run."""
        return {
            source.name: (self._reader(source), *(self._common if source.join == "language" else self._taken(source)))
            for source in self.recipe.sources
        }

    @cached_property
    def index_chains(self) -> Mapping[str, tuple[Stage, ...]]:
        """Name of a corpus that the recipe is compared with -> the stage that makes its index."""
        return {each.name: (self.recipe.index(each),) for each in self.recipe.against}

    @cached_property
    def writers(self) -> Mapping[str, tuple[Stage, ...]]:
        return {source.name: (self.recipe.writer(source), self.recipe.hosts(source)) for source in self.recipe.sources}

    @cached_property
    def denials(self) -> Mapping[str, tuple[Stage, ...]]:
        """Source -> what leaves out, between dedup and the release, documents that someone asked to be removed, and those
        with too many copies."""
        return {source.name: self.recipe.denials() for source in self.recipe.sources}

    @cached_property
    def read_later(self) -> frozenset[str]:
        """Keys of the outputs that anything behind the chains reads: a run forgets where the others lie."""
        chained = {stage.key for chain in self.chains.values() for stage in chain}
        behind = [stage for stage in self.stages() if stage.key not in chained]
        writers = [stage for chain in self.writers.values() for stage in chain]
        caps = [self.recipe.host_cap(source) for source in self.recipe.sources if source.tokens_per_host]
        return frozenset(key for stage in (*behind, *writers, *caps) for key in stage.requires)

    def stages(self) -> list[Stage]:
        """Every stage once, in order."""
        found: dict[str, Stage] = {}
        for chain in self.chains.values():
            found.update({stage.key: stage for stage in chain})
        for stage in (*self._of_indexes(), self.recipe.bands(), self.recipe.dedup(), *self._of_lines()):
            found[stage.key] = stage
        found.update({stage.key: stage for stage in self.recipe.denials()})
        for source in self.recipe.sources:
            if source.tokens_per_host:
                found["host-cap"] = self.recipe.host_cap(source)
        for writers in self.writers.values():
            found.update({stage.key: stage for stage in writers})
        found["host-table"] = HostTable()
        if self.recipe.against:
            found["new-hosts"] = NewHosts()
        found["shards"] = self.recipe.shards()
        return list(found.values())

    def _of_indexes(self) -> tuple[Stage, ...]:
        indexes = tuple(stage for chain in self.index_chains.values() for stage in chain)
        return (*indexes, self.recipe.known()) if indexes else ()

    def _of_lines(self) -> tuple[Stage, ...]:
        rule = self.recipe.template_lines
        return () if rule is None else (LineCounts(rule), TemplateLines(rule), LineMasks(rule))

    def _reader(self, source: Source) -> Stage:
        return self.recipe.reader(source, **({"sample": self.sample} if self.sample else {}))

    def _taken(self, source: Source) -> tuple[Stage, ...]:
        """For documents that were judged elsewhere: no character is changed, no filter applied, nothing measured for one."""
        return (
            self.recipe.tokens(),
            Edits(none=True),
            self.recipe.stage("language"),
            Judge(),
            Verdict(),
            *self.recipe.signing(within=source.name if source.pass_through else ""),
        )

    @cached_property
    def _common(self) -> tuple[Stage, ...]:
        """Every family is measured, chosen by the recipe or not: previews and what-ifs then cost nothing."""
        recipe = self.recipe
        early = [bound for bound in recipe.bounds if not _of_words(bound)]
        return (
            recipe.tokens(),
            Edits(),
            recipe.stage("language"),
            *(Measure(name) for view in (Text, Page) for name, family in FAMILIES.items() if family.view is view),
            *recipe.measures,
            Judge(tuple(early)),
            *(Measure(name) for name, family in FAMILIES.items() if family.view is Words),
            Verdict(tuple(bound for bound in recipe.bounds if _of_words(bound))),
            *recipe.signing(),
        )


def _of_words(bound: Bound) -> bool:
    return any(bound.code == f.code for family in FAMILIES.values() if family.view is Words for f in family.filters)


def chain_units(chains: Mapping[str, Sequence[Stage]], parts: Iterable[PartRef]) -> list[Unit]:
    prints = {source: tuple(map(stage_fingerprint, chain)) for source, chain in chains.items()}
    units = []
    for part in parts:
        stages = tuple(chains[part.source])
        assert part.file is not None
        label, weight = f"{part.source} {part.file.name}", part.file.bytes or TYPICAL_FETCH
        if of := part.file.slice:
            label, weight = f"{label} from byte {of.start}", of.size
        fetched = weight if part.fetch is not None and not stages[0].requires else 0
        units.append(Unit(label, stages, prints[part.source], (part,), weight, needs_of(stages, weight, fetched)))
    return units


def barrier_unit(stage: Stage, parts: Sequence[PartRef], label: str) -> Unit:
    """One unit over many parts, which carry only the outputs that the stage reads."""
    slim = tuple(
        PartRef(p.id, p.source, p.rank, None, {k: p.outputs[k] for k in stage.requires if k in p.outputs})
        for p in parts
    )
    weight = sum(output.get("bytes", 0) for part in slim for output in part.outputs.values())
    return Unit(label, (stage,), (stage_fingerprint(stage),), slim, weight, needs_of((stage,), weight))


def band_groups(parts: Sequence[PartRef]) -> Iterator[tuple[str, list[PartRef]]]:
    """Groups of partitions for the band runs, by the leading bits of their ids: a new partition changes one group."""
    bits = max(0, (len(parts) - 1) // GROUP).bit_length()
    groups: dict[int, list[PartRef]] = defaultdict(list)
    for part in parts:
        groups[int(part.id[:8], 16) >> (32 - bits)].append(part)
    for number, members in sorted(groups.items()):
        yield f"{number}/{1 << bits}", members


def band_units(plan: Plan, parts: Sequence[PartRef]) -> list[Unit]:
    stage = plan.recipe.bands()
    return [barrier_unit(stage, members, f"bands {label}") for label, members in band_groups(parts)]


def dedup_unit(plan: Plan, parts: Sequence[PartRef], runs: Sequence[Committed]) -> Unit:
    """The one barrier task: all partitions, and the band runs as parts of their own (without a source)."""
    unit = barrier_unit(plan.recipe.dedup(), parts, "dedup")
    extra = tuple(PartRef(run.part_fp, "", -1, None, {"bands": run.outputs[MAIN]}) for run in runs)
    return replace(unit, parts=(*unit.parts, *extra))


def committed_dedup(plan: Plan, store: Store, parts: Sequence[PartRef]) -> Committed | None:
    """The marker of the dedup over exactly these parts, or None where it has not run."""
    runs = [committed(store, unit) for unit in band_units(plan, parts)]
    if any(run is None for run in runs):
        return None
    return committed(store, dedup_unit(plan, parts, [run for run in runs if run is not None]))


def cap_units(plan: Plan, parts: Sequence[PartRef]) -> list[Unit]:
    """One barrier a source with a cap on its hosts."""
    return [
        barrier_unit(plan.recipe.host_cap(source), members, f"host-cap {source.name}")
        for source in plan.recipe.sources
        if source.tokens_per_host and (members := [part for part in parts if part.source == source.name])
    ]


def capped(parts: Sequence[PartRef], markers: Sequence[Committed]) -> tuple[PartRef, ...]:
    """The parts with the sidecars of their caps."""
    outputs = {id: output for marker in markers for id, output in marker.outputs.items()}
    return tuple(part.add("host-cap", outputs[part.id]) if part.id in outputs else part for part in parts)


def committed_choices(plan: Plan, store: Store, parts: Sequence[PartRef]) -> tuple[PartRef, ...]:
    """Parts that know their dedup sidecar, with what is committed of the stages that leave out more."""
    found = survey(store, plan.denials, parts)
    if found.todo:
        return found.parts
    markers = [committed(store, unit) for unit in cap_units(plan, found.parts)]
    return capped(found.parts, [marker for marker in markers if marker is not None])


def committed(store: Store, unit: Unit) -> Committed | None:
    """The marker of a barrier unit, or None where it has not run or its files were deleted."""
    (stage,), (stage_fp,) = unit.stages, unit.fingerprints
    part_fp = part_fingerprint(stage, stage_fp, unit.parts)
    marker = None if part_fp is None else load(store, stage.key, stage_fp, part_fp)
    return marker if marker is not None and intact(store, marker) else None


def shard_groups(
    parts: Sequence[PartRef], sizes: Mapping[str, int], megabytes: int
) -> Iterator[tuple[str, list[PartRef]]]:
    """Partitions of one source that fill about one shard, in canonical order; a larger one stands alone."""
    by_source: dict[str, list[PartRef]] = defaultdict(list)
    for part in parts:
        if sizes[part.id]:
            by_source[part.source].append(part)
    for source, members in by_source.items():
        group: list[PartRef] = []
        filled = 0
        for part in members:
            if group and filled + sizes[part.id] > megabytes << 20:
                yield source, group
                group, filled = [], 0
            group.append(part)
            filled += sizes[part.id]
        yield source, group


def why_stale(store: Store, stage: Stage) -> str:
    """Why nothing is committed under this stage's fingerprint: what differs from the runs that are there."""
    own = stage_fingerprint(stage)
    others = [name for name in store.list(f"stages/{stage.key}") if not name.endswith(f"/{own}")]
    if store.read(f"{folder(stage.key, own)}/spec.json") is not None:
        return "new input"
    if not others:
        return "never run"
    specs = [content for o in others if (content := store.read(f"{o}/spec.json")) and o.endswith(_name_of(content))]
    if not specs:
        return "changed, or never finished: no earlier spec.json can be read"
    now = _flat(stage_spec(stage))
    nearest = min((_differences(_flat(json.loads(spec)), now) for spec in specs), key=len)
    if [each.partition(" ")[0] for each in nearest] == ["params.sample"]:
        return "only dry runs so far"
    return "changed: " + "; ".join(nearest[:4])


def _name_of(spec: bytes) -> str:
    """The folder that a spec.json lies in, if it is what was written."""
    return "/" + hashlib.sha256(spec).hexdigest()[:FINGERPRINT_DIGITS]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} {_short(old.get(key, 'absent'))} -> {_short(new.get(key, 'absent'))}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def _short(value: Any) -> Any:
    """A digest by its beginning: the whole of two would fill the table."""
    return f"{value[:8]}…" if isinstance(value, str) and _DIGEST.fullmatch(value) else value


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested JSON as dotted keys; a list of [code, ...] goes by its code."""
    if isinstance(value, dict):
        return {
            k: v for name, item in value.items() for k, v in _flat(item, f"{prefix}.{name}" if prefix else name).items()
        }
    if isinstance(value, list | tuple) and value and all(isinstance(item, list | tuple) and item for item in value):
        return {f"{prefix}.{item[0]}": tuple(item[1:]) for item in value}
    return {prefix: str(value)[:40]}
