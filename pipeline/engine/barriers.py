"""The barriers behind dedup, and what of all barriers is committed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.commit.commit import Committed
from pipeline.engine.against import Brought, committed_known
from pipeline.engine.plan import Plan, band_groups, barrier_unit, committed, committed_choices, committed_dedup
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef, Unit
from stages.base import MAIN
from stages.template_lines.counts import HOSTS_OUTPUT, LineCounts
from stages.template_lines.masks import LineMasks
from stages.template_lines.template_lines import TemplateLines


def template_lines(plan: Plan, parts: Sequence[PartRef], brought: Brought) -> tuple[PartRef, ...] | None:
    """The parts with the masks of their template lines; as they are where none is looked for; None where one is missing."""
    rule = plan.recipe.template_lines
    losing = {source.name for source in plan.recipe.sources if plan.recipe.loses_templates(source)}
    groups = list(band_groups([part for part in parts if part.source in losing]))
    if rule is None or not groups:
        return tuple(parts)
    counted = [barrier_unit(LineCounts(rule), members, f"line-counts {label}") for label, members in groups]
    if (counts := brought("line-counts", counted)) is None:
        return None
    runs = [_of(marker, {"line-counts": MAIN, "line-hosts": HOSTS_OUTPUT}) for marker in counts]
    if (judged := brought("template-lines", [barrier_unit(TemplateLines(rule), runs, "template-lines")])) is None:
        return None
    templates = _of(judged[0], {"template-lines": MAIN})
    masked = [
        barrier_unit(LineMasks(rule), [*members, run, templates], f"line-masks {label}")
        for (label, members), run in zip(groups, runs, strict=True)
    ]
    if (masks := brought("line-masks", masked)) is None:
        return None
    by_part = {id: output for marker in masks for id, output in marker.outputs.items()}
    return tuple(part.add("line-masks", by_part[part.id]) if part.id in by_part else part for part in parts)


def _of(marker: Committed, outputs: dict[str, str]) -> PartRef:
    """A part of its own that holds outputs of a barrier: the key they go by -> their name there."""
    return PartRef(marker.part_fp, "", -1, None, {key: marker.outputs[name] for key, name in outputs.items()})


def masked(plan: Plan, store: Store, parts: Sequence[PartRef]) -> tuple[PartRef, ...]:
    """Parts that know their dedup sidecar, with their masks where all of these are committed."""
    return template_lines(plan, parts, _look(store)) or tuple(parts)


def _look(store: Store) -> Brought:
    """Finds what is committed and runs nothing."""

    def look(_: str, units: Sequence[Unit]) -> list[Committed] | None:
        found = [committed(store, unit) for unit in units]
        there = [marker for marker in found if marker is not None]
        return there if len(there) == len(found) else None

    return look


def reached(plan: Plan, store: Store, parts: Sequence[PartRef]) -> tuple[PartRef, ...] | None:
    """The parts with as much as is committed behind their chains for exactly these; None where dedup has not run."""
    compared = committed_known(plan, store, parts, _look(store))
    marker = None if compared is None else committed_dedup(plan, store, compared)
    if compared is None or marker is None:
        return None
    deduplicated = tuple(part.add("dedup", marker.outputs[part.id]) for part in compared)
    return committed_choices(plan, store, masked(plan, store, deduplicated))
