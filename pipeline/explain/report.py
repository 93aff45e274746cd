"""The table at the end of a run: what came in, what was polished off and by which rule, what is left."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from filters import FILTERS
from filters.base import Filter
from pipeline.manifest.counts import Counts, Funnel, Size
from pipeline.manifest.duplicates import New
from pipeline.manifest.manifest import Manifest, Sample
from pipeline.recipe.alarms import told
from pipeline.store.places import Place
from stages.documents import EXTRACT_REASONS, PASSED_REASONS
from stages.measure.own import PREFIX
from stages.release.left_out import REASONS
from stages.release.repeat import REASONS as REPEAT_REASONS
from stages.signatures.lsh import Shape, found
from stages.template_lines.masks import REASONS as TEMPLATE_REASONS

OTHER_REASONS = {
    "dedup.url": "another fetch of an address that stays",
    "dedup.exact": "the same text as a kept document",
    "dedup.known": "an index of dedup.against has it",
    "dedup.near": "nearly a kept document, verified",
    "dedup.error": "could not be compared; see the quarantine",
    "write.error": "could not be masked or counted; see the quarantine",
    "error": "could not be read by a stage; see the quarantine",
}


def meaning(reason: str) -> str:
    """What a reason means: the name of the filter, or a few words."""
    if reason in FILTERS:
        return FILTERS[reason].name.replace("_", " ")
    if reason.startswith(PREFIX):
        return "a measure of the recipe"
    return {**PASSED_REASONS, **EXTRACT_REASONS, **REASONS, **REPEAT_REASONS, **TEMPLATE_REASONS, **OTHER_REASONS}.get(
        reason, ""
    )


def show(manifest: Manifest, release: Place, console: Console) -> None:
    """Print the funnel of a release and where it lies."""
    funnel = manifest.funnel
    console.print(
        f"{manifest.name}: from {funnel.records:,} records to {funnel.written.documents:,} documents", soft_wrap=True
    )
    table = Table()
    for name in ("stage", "in", "kept", "rejected", "quarantined", "characters", "tokens"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for row in _stages(funnel):
        table.add_row(*row)
    console.print(table)
    console.print("why records and documents were left out:")
    console.print(_reasons(funnel))
    shape = Shape(manifest.dedup.bands, manifest.dedup.band_rows)
    console.print(
        f"dedup: {shape.bands} bands of {shape.rows} rows find {found(0.8, shape):.0%} of the pairs that are 0.8 alike,\n"
        f"  {found(0.9, shape):.2%} at 0.9; each deletion{_but(manifest.dedup.levels)} was verified to be at least "
        f"{manifest.dedup.similarity:g} alike"
    )
    for alarm in manifest.dedup.alarms:
        console.print(f"alarm: {told(**alarm.model_dump())}", soft_wrap=True)
    if manifest.new is not None:
        console.print(_new(manifest.new), soft_wrap=True)
    if (templates := manifest.templates) is not None:
        console.print(
            f"template lines: {templates.lines:,} lines ({templates.characters:,} characters) left out of "
            f"{templates.documents:,} documents"
        )
    rates = ", ".join(
        f"{each.characters_per_token:.2f} characters per {each.key} token" for each in manifest.tokenizers
    )
    console.print(
        f"polishing ratio (精米歩合): {manifest.polishing_ratio:.1%} of the extracted characters remain;\n  {rates}"
    )
    for source in manifest.sources:
        console.print(f"  {source.name}: {_counts(source.written)}", soft_wrap=True)
        for sample in source.samples:
            console.print(f"    {_sampled(sample)}")
    for split in manifest.splits if len(manifest.splits) > 1 else ():
        console.print(f"  split {split.name}: {_counts(split.written)}", soft_wrap=True)
    for removal in manifest.removals:
        console.print(f"  removed by {removal.ticket}: {removal.documents:,} documents")
    console.print(f"release: {release}", soft_wrap=True)


def _new(new: New) -> str:
    """What a run adds to what it was compared with."""
    hosts = ", ".join(f"{host.host or 'no host'} {host.characters:,}" for host in new.most[:5]) or "none"
    against = ", ".join(f"{each.name} ({each.documents:,} documents)" for each in new.against)
    return (
        f"new: this crawl adds {new.documents:,} documents, {new.characters:,} characters, from {new.hosts:,} hosts;\n"
        f"  {new.known:,} documents, {new.known_characters:,} characters were known of {against}\n"
        f"  most characters from {hosts}"
    )


def _but(levels: Sequence[str]) -> str:
    return ", but for those by address," if "url" in levels else ""


def _counts(counts: Counts) -> str:
    tokens = ", ".join(
        f"{n:,} {key} tokens ({counts.characters_per_token[key]:.2f} characters each)"
        for key, n in counts.tokens.items()
    )
    seen = ""
    if (weighted := counts.weighted) is not None:
        each = ", ".join(f"{n:,} {key} tokens" for key, n in weighted.tokens.items())
        seen = f"; with repeats {weighted.documents:,} documents, {each}"
    return f"{counts.documents:,} documents, {counts.characters:,} characters, {tokens}{seen}"


def _sampled(sample: Sample) -> str:
    """A sample of what was passed by, in words."""
    recall = "" if sample.recall is None else f": about {sample.recall:.1%} were not passed by"
    return (
        f"of the {sample.of}'s rejects 1 in {sample.one_in:,} was looked at: {sample.records:,} records, "
        f"{sample.written:,} written{recall}"
    )


def _stages(funnel: Funnel) -> list[tuple[str, ...]]:
    own = {r: n for r, n in funnel.rejected.items() if r.startswith("extract.")}
    rejected = {r: n for r, n in funnel.rejected.items() if not r.startswith("extract.")}
    extracted, texts = funnel.extracted, funnel.extracted.documents - sum(own.values())
    return [
        _row("extract", funnel.records, Size(**{**extracted.model_dump(), "documents": texts}),
             sum(funnel.passed.values()) + sum(own.values()), funnel.quarantined),
        _row("judge", texts, funnel.judged, sum(rejected.values())),
        _row("dedup", funnel.judged.documents, funnel.deduplicated, sum(funnel.duplicates.values())),
        _row("write", funnel.deduplicated.documents, funnel.written, sum(funnel.removed.values())),
    ]  # fmt: skip


def _row(stage: str, came: int, kept: Size, rejected: int, quarantined: int = 0) -> tuple[str, ...]:
    return stage, *(f"{n:,}" for n in (came, kept.documents, rejected, quarantined, kept.characters, kept.tokens))


def _reasons(funnel: Funnel) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("stage", "reason", "documents", "meaning"):
        table.add_column(name, justify="right" if name == "documents" else "left")
    own = {reason: n for reason, n in funnel.rejected.items() if reason.startswith("extract.")}
    judged = {reason: n for reason, n in funnel.rejected.items() if reason not in own}
    for stage, group in (
        ("extract", {**funnel.passed, **own}),
        ("judge", judged),
        ("dedup", funnel.duplicates),
        ("write", funnel.removed),
    ):
        ordered = sorted(group.items(), key=lambda item: (-item[1], item[0]))
        for row, (reason, n) in enumerate(ordered):
            table.add_row("" if row else stage, reason, f"{n:,}", meaning(reason))
    for kind, n in funnel.lost.items():
        table.add_row("", f"quarantined: {kind}", f"{n:,}", "see the quarantine file")
    return table


def bounds(f: Filter) -> str:
    """The inclusive bounds of a filter as they are read aloud: 0.15 <= value <= 0.9."""
    low = "" if math.isinf(f.at_least) else f"{f.at_least:g} <= "
    high = "" if math.isinf(f.at_most) else f" <= {f.at_most:g}"
    return f"{low}value{high}"


def describe(f: Filter) -> str:
    """One filter in full: bounds, source, what it is for, and its examples."""
    examples = [f"  {example.kind}: {example.text!r}" for example in f.examples]
    return "\n".join([f"{f.code} {f.name}: {bounds(f)}", f"source: {f.source}", "", f.doc.strip(), "", *examples])
