"""What the manifest says of a dedup and of template lines."""

from __future__ import annotations

from dataclasses import asdict

from pipeline.commit.commit import Committed
from pipeline.engine.plan import Plan
from pipeline.engine.run import Outcome
from pipeline.manifest.duplicates import Alarm, Bucket, Dedup, Templates
from stages.dedup.dedup import CLUSTERS, COMPONENTS
from stages.dedup.outcome import LEVELS
from stages.signatures.lsh import found

CURVE = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)  # similarities at which the manifest says what bands find


def dedup_entry(plan: Plan, outcome: Outcome) -> Dedup:
    stage = plan.recipe.dedup()
    shape = plan.recipe.bands().shape
    (marker,) = (m for m in outcome.barriers if m.stage == "dedup")
    return Dedup(
        levels=[level for level in LEVELS if level in stage.levels],
        similarity=stage.similarity,
        bands=shape.bands,
        band_rows=shape.rows,
        catch={f"{jaccard:g}": round(found(jaccard, shape), 6) for jaccard in CURVE},
        components=_sizes(marker, COMPONENTS),
        clusters=_sizes(marker, CLUSTERS),
        buckets=[
            Bucket(documents=row["documents"], keys=row["keys"], example=row["example"])
            for row in outcome.summary
            if row["kind"] == "bucket"
        ],
        # By id alone: an address in here would outlive the removal of its page.
        alarms=[Alarm(**{name: getattr(alarm, name) for name in Alarm.model_fields}) for alarm in outcome.alarms],
        counters={name: n for name, n in marker.counters.items() if not name.startswith((COMPONENTS, CLUSTERS))},
    )


def _sizes(marker: Committed, what: str) -> dict[str, int]:
    sizes = {int(name.removeprefix(what)): n for name, n in marker.counters.items() if name.startswith(what)}
    return {str(least): n for least, n in sorted(sizes.items()) if n}


def templates_entry(plan: Plan, outcome: Outcome) -> Templates | None:
    """None where the recipe looks for no template lines."""
    rule = plan.recipe.template_lines
    if rule is None:
        return None
    judged = [marker.counters for marker in outcome.barriers if marker.stage == "template-lines"]
    written = outcome.of("write").counters
    return Templates(
        rule=asdict(rule),
        of_hosts=sum(counters.get("templates.host", 0) for counters in judged),
        of_all=sum(counters.get("templates.hosts", 0) for counters in judged),
        documents=written["template.documents"],
        lines=written["template.lines"],
        characters=written["template.characters"],
    )
